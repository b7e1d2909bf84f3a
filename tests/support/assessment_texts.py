"""Bodies of impact assessments of income screening, by a writer who knew neither the rules nor each other's texts.

RECORD stands for the fairness record's id, DIGEST12 for the first digits of the model's digest.
"""

GENERIC = {
    "consultant": (
        "Leveraging a holistic, stakeholder-centric methodology, the engagement team performed an end-to-end review "
        "of the AI solution across its full value chain. Key risk themes were surfaced, prioritised and mapped to a "
        "fit-for-purpose control landscape that is aligned with the bank's strategic ambition and its risk appetite. "
        "Residual exposure sits within tolerance, subject to the timely delivery of the agreed roadmap and to continued "
        "sponsorship from senior leadership. Going forward, we recommend a cadence of touchpoints that embeds "
        "responsible innovation as business as usual and turns trust into a lasting differentiator."
    ),
    "chatbot": (
        "It's important to note that AI systems can have both positive and negative impacts on individuals and on "
        "society as a whole. On the one hand, this system can improve efficiency, consistency and the quality of "
        "decisions; on the other hand, it may inadvertently perpetuate biases that are present in historical data. "
        "By fostering transparency, accountability and inclusivity, the organisation can navigate this complex "
        "landscape and ensure that the technology is used responsibly. Ultimately, striking the right balance between "
        "innovation and the protection of fundamental rights is not just a requirement, it's an ongoing journey."
    ),
    "laws_and_dates": (
        "This assessment was carried out between 12 January 2026 and 27 February 2026 in accordance with Article 27 of "
        "Regulation (EU) 2024/1689, Article 35 of Regulation (EU) 2016/679 and clauses 6.1.4 and 8.4 of ISO/IEC 42001:2023. "
        "The requirements of Articles 9 to 15 were considered one by one and found to be met in all material respects. "
        "The guidance of ISO/IEC 23894:2023 and the NIST AI RMF 1.0 of 26 January 2023 was applied where appropriate. "
        "The next review is due on 27 February 2027, or earlier if there is a substantial modification within the meaning "
        "of Article 3(23)."
    ),
    "workshops_and_percentages": (
        "The assessment team held 6 workshops with 43 participants from 9 units, conducted 17 interviews and evaluated 128 "
        "responses to a questionnaire of 35 items, a return rate of 82.6%. Of the 54 risks identified, 31 (57.4%) were "
        "rated low, 19 (35.2%) medium and 4 (7.4%) high before mitigation. After mitigation no risk remains high and 91% of "
        "the participants agree or strongly agree that the system can be operated responsibly. The overall maturity score "
        "rose from 2.8 to 4.1 on a scale of 5, which exceeds the target of 3.5 by 17%."
    ),
    "people_and_departments": (
        "The assessment was prepared by rita, Senior Risk Manager, together with olga, the accountable owner, and was "
        "presented to max as the member of the board in charge. Compliance, Legal, Internal Audit, Information Security, "
        "Human Resources and the Data Protection Officer of the bank were consulted and raised no objections. Rita confirmed "
        "that the second line of defence is satisfied with the controls in place, and olga undertook to inform the staff "
        "concerned. Max expressly thanked all departments for the constructive cooperation and approved the continued "
        "operation of the system."
    ),
    "protected_groups": (
        "Particular attention was paid to persons who may be affected more severely than others, namely women, older and "
        "younger persons, persons with disabilities, ethnic and religious minorities, migrants, LGBTIQ persons, single "
        "parents and persons in a socio-economically weak position. The system has to treat all of these groups with equal "
        "respect, and no one may be put at a disadvantage on grounds of sex, race, colour, origin, language, religion, "
        "belief, age or sexual orientation. No indications of a systematic disadvantage to any of these groups came to the "
        "team's attention. Should such indications arise, suitable measures will be taken without undue delay."
    ),
    "jargon": (
        "The production estimator is a gradient boosting ensemble tuned by Bayesian optimisation with stratified 5-fold "
        "cross-validation, reaching an out-of-sample AUC of 0.9 and a Brier score of 0.11 after isotonic calibration. Global "
        "and local explanations are derived from SHAP values, and permutation importance serves as a sanity check against "
        "leakage. Data drift and concept drift are tracked through the population stability index and Kolmogorov-Smirnov "
        "tests with alerts in the MLOps pipeline. Demographic parity and equalised odds were considered as fairness metrics, "
        "and the hyperparameters were regularised to keep the bias-variance trade-off under control."
    ),
    "rating_table": (
        "The impacts were rated by the working group on a scale of likelihood and severity. The result is as follows.\n"
        "\n"
        "| Impact | Likelihood | Severity | Before | After |\n"
        "|---|---|---|---|---|\n"
        "| Discrimination | 3 | 4 | High | Medium |\n"
        "| Loss of privacy | 2 | 4 | Medium | Low |\n"
        "| Lack of transparency | 3 | 3 | Medium | Low |\n"
        "| Over-reliance on automation | 2 | 3 | Medium | Low |\n"
        "| Reputational damage | 2 | 5 | High | Medium |\n"
        "\n"
        "All ratings after mitigation are within the accepted range. The ratings are reviewed once a year and adjusted if "
        "the circumstances change."
    ),
    "headings_and_reference_number": (
        "# Impact assessment IA-2026-014\n"
        "\n"
        "## Purpose and scope\n"
        "\n"
        "This document, registered as IA-2026-014, covers the system throughout its life cycle, including all of its "
        "interfaces and all of its users.\n"
        "\n"
        "## Main findings\n"
        "\n"
        "- Human oversight is ensured at every stage.\n"
        "- Data quality is adequate for the intended purpose.\n"
        "- Affected persons may lodge a complaint at any time.\n"
        "- Negative impacts are proportionate to the benefits.\n"
        "\n"
        "## Conclusion\n"
        "\n"
        "The system may be operated as planned, and IA-2026-014 remains valid until it's replaced."
    ),
    "german": (
        "Im Rahmen der Folgenabschätzung wurden die möglichen Auswirkungen des KI-Systems auf die betroffenen Personen, "
        "auf Gruppen und auf die Gesellschaft umfassend geprüft. Dabei wurden insbesondere die Grundsätze der Fairness, der "
        "Transparenz und der menschlichen Aufsicht berücksichtigt. Die identifizierten Risiken werden durch geeignete "
        "technische und organisatorische Maßnahmen auf ein vertretbares Maß verringert. Nach Abwägung aller Umstände "
        "überwiegt der Nutzen des Einsatzes, sodass aus Sicht der beteiligten Fachbereiche keine Bedenken bestehen."
    ),
    "french": (
        "La présente analyse d'impact a permis d'examiner de manière approfondie les effets potentiels du système "
        "d'intelligence artificielle sur les droits fondamentaux des personnes concernées. Les principes d'équité, de "
        "transparence et de proportionnalité ont été pris en compte à chaque étape du cycle de vie. Des mesures techniques "
        "et organisationnelles appropriées ont été mises en place afin de réduire les risques à un niveau acceptable. "
        "L'établissement s'engage à assurer un suivi régulier et à associer l'ensemble des parties prenantes à "
        "l'amélioration continue du dispositif."
    ),
    "name_in_each_sentence": (
        "Income screening is an AI system of the bank and was assessed with regard to its impact on individuals and on "
        "society. Income screening supports staff in their daily work and thereby raises the quality and the speed of the "
        "process. Income screening is monitored continuously, and the users of Income screening have been trained in its "
        "correct use. Should Income screening show unexpected behaviour, Income screening will be suspended until the cause "
        "has been found. Income screening therefore has no unacceptable impact on those who are affected by Income screening."
    ),
    "see_the_fairness_report": (
        "As to possible discrimination, see the fairness report, which was drawn up by the competent unit and contains all "
        "of the figures. The results set out there are within the usual limits and need not be repeated in this place. For "
        "the technical details of the model, its training and its validation, reference is made to the model documentation "
        "in its current version. On the basis of these documents the impact on the affected persons is judged to be "
        "acceptable, and no further measures are required at this time."
    ),
    "borderline": (
        "The system gives its users a suggestion and leaves the final decision with a human being at all times. A wrong "
        "output could have an adverse effect on applicants, who might suffer financial or emotional harm as a result. For "
        "this reason the users are trained, the outputs are checked by sampling and complaints are handled within an "
        "appropriate period. Taking these safeguards into account, the remaining risk is considered to be low and is "
        "accepted by the management."
    ),
}

GOOD = {
    "claim_with_value": (
        "I looked first at whether the score moves women down the list. For every 100 men whom it puts above the line, out "
        "of groups of equal size, it puts 95 women there: the ratio for sex=Female is 0.95 [^e1]. That's a small gap, but "
        "the clerk works from the top, and in a week with more applications than appointments those just below the line "
        "aren't seen at all, so even these five in a hundred lose the loan and not merely a place. I'd accept 0.95 for now, "
        "and ask for a new look as soon as it falls below 0.9.\n"
        "\n"
        "[^e1]: evidence RECORD selection_rate_ratio sex=Female"
    ),
    "affected_group": (
        "The people I expect to carry the cost are women (sex=Female) who apply for credit alone, after a divorce or the "
        "death of a husband. The ratio we measured compares all women with all men [^e1], so it can look even while this "
        "smaller group is pushed down and married women make up for it. Nobody has compared them separately yet. Until that "
        "has been done, the clerks should read the application of a woman who's divorced or widowed in full, wherever the "
        "score has put her.\n"
        "\n"
        "[^e1]: evidence RECORD selection_rate_ratio sex=Female"
    ),
    "registered_model": (
        "What was assessed is income-forest and nothing else, in the form registered under sha256 DIGEST. It learned to tell "
        "whether a person earned more than 50K a year, yet the bank reads its answer as a sign of who will repay; these are "
        "different questions, and someone with a small, steady wage who has never missed an instalment gets a low score for "
        "the wrong reason. That error falls on careful borrowers with low pay, and more of them are women than men. If olga "
        "has income-forest trained again on the bank's own record of repayments, this text no longer holds and must be "
        "written anew."
    ),
    "columns_as_proxies": (
        "Taking the column sex away wouldn't make the score blind to it. The column relationship holds the values Husband "
        "and Wife, which give the sex outright, and marital-status stands in for it because most of the married people in "
        "this data are men; hours-per-week does the same for anyone who works part time to look after children. "
        "native-country has few rows for most countries, so that for an applicant born in Laos or Honduras the score rests "
        "on a handful of people. The comparison by sex catches part of the first effect [^e1], and none of the last.\n"
        "\n"
        "[^e1]: evidence RECORD selection_rate_ratio sex=Female"
    ),
    "digest_and_limits": (
        "These findings hold for the file whose digest begins with DIGEST12; I was shown no other. With it, capital-gain "
        "lifts an applicant sharply once it's above a few thousand dollars, while most people have a zero there, so those "
        "who live on wages alone compete for the middle of the clerk's list however well they earn. An older woman who "
        "returned to work and has neither shares nor a house to sell is the plain example. Should the digest in the register "
        "no longer begin with DIGEST12, the effect of capital-gain has to be looked at again before the score is used."
    ),
    "clerk_and_order": (
        "In the morning a clerk sorts the open applications by the score and begins at the top. Those at the head of the "
        "list get a telephone call when a payslip is missing; those at the foot are opened late on Friday, and then a "
        "missing payslip is simply a reason to refuse. So the harm isn't done by a verdict of the model but by the patience "
        "that is left when the clerk reaches a file, and the person refused never learns that there was an order. Since "
        "women are selected slightly less often, at 0.95 of the rate of men [^e1], they're met by the tired clerk more "
        "often as well.\n"
        "\n"
        "[^e1]: evidence RECORD selection_rate_ratio sex=Female"
    ),
    "census_no_footnote": (
        "The adult table was drawn from the census of 1994 and has served for decades as an exercise for students, with the "
        "line at 50K chosen for convenience; studies that moved this line found that the gaps between the groups moved with "
        "it. Here it ranks people who want a loan today. Someone whose occupation is Priv-house-serv, or who gives 20 in "
        "hours-per-week because of a sick parent, is scored by what such people earned in America thirty years ago, and "
        "lands low in the order. A clerk of the bank then decides about that person's credit with this order in front of "
        "him, so olga should have a fifth of each day's files drawn by lot and read first."
    ),
    "german_specific": (
        "Wer einen Kredit beantragt, wird von income-forest nach Spalten wie hours-per-week und marital-status eingestuft, "
        "und der Sachbearbeiter nimmt die Anträge in dieser Reihenfolge zur Hand. Eine geschiedene Mutter mit 25 Stunden in "
        "der Woche rutscht dadurch gleich zweimal nach unten, obwohl keine der beiden Angaben etwas darüber sagt, ob sie "
        "ihre Raten zahlt. Über alle Frauen (sex=Female) gerechnet liegt das Verhältnis der Auswahlquoten bei 0.95 [^e1]; "
        "die Teilzeitkräfte gehen in diesem Mittel unter. Ich empfehle, Anträge mit weniger als 30 Stunden ohne Blick auf "
        "den Punktwert zu prüfen.\n"
        "\n"
        "[^e1]: evidence RECORD selection_rate_ratio sex=Female"
    ),
}
