"""What laws ask for besides the standard, point by point; each point is a question, and is answered by statements.

Sources: Regulation (EU) 2024/1689 (AI Act), Articles 13(3), 27(1), 50 and Annex IV. Which of them applies from which
day is for a lawyer: a document says in `sources_checked_on` when the law was looked up.
"""

from __future__ import annotations

from aims_mlflow.records.base import Day, Record
from aims_mlflow.records.documents.base import Texts, needed, optional


class RightsAssessment(Record):
    """The assessment of the impact on fundamental rights (AI Act Art. 27(1))."""

    process: Texts = needed(
        "in which of the deployer's processes is it used, in line with its purpose? Art. 27(1)(a)", ()
    )
    period_and_frequency: Texts = needed("in which period, and how often, is it used? Art. 27(1)(b)", ())
    categories: Texts = needed("which people and groups are likely to be affected in this use? Art. 27(1)(c)", ())
    harms: Texts = needed("which specific harms are likely to hit these people? Art. 27(1)(d)", ())
    oversight: Texts = needed("who oversees it, by the instructions for use, and may stop it? Art. 27(1)(e)", ())
    if_harm_occurs: Texts = needed(
        "what is done if these harms occur, who governs that, and where do people complain? Art. 27(1)(f)", ()
    )
    who_must: Texts = needed(
        "why has the deployer this duty, or has not: public body, public service, credit score, life or health "
        "insurance? Art. 27(1)",
        (),
    )
    authority_notified: Day | None = optional("day on which the market surveillance authority was told. Art. 27(3)")


class TechnicalFile(Record):
    """The technical documentation of a high-risk system (AI Act Annex IV), by its nine points."""

    general_description: Texts = needed(
        "what is it for, who provides it, in which version, with which software, hardware and interfaces? Annex IV(1)",
        (),
    )
    development: Texts = needed(
        "how was it made: design choices, data with their origin, training, validation and tests? Annex IV(2)", ()
    )
    monitoring_and_control: Texts = needed(
        "what can it do and not do, with which accuracy for whom, which risks, which oversight? Annex IV(3)", ()
    )
    appropriate_metrics: Texts = needed("why are these the right metrics for this system? Annex IV(4)", ())
    risk_management: Texts = needed("which risks were found, and how is each managed, by Art. 9? Annex IV(5)", ())
    changes: Texts = needed("what did the provider change over its life? Annex IV(6)", ())
    standards: Texts = needed("which harmonised standards are applied, or what is done in their place? Annex IV(7)", ())
    declaration: Texts = needed("where is the copy of the EU declaration of conformity? Annex IV(8)", ())
    post_market: Texts = needed("how is it watched once it is on the market, by which plan (Art. 72)? Annex IV(9)", ())


class InstructionsForUse(Record):
    """What a deployer is told (AI Act Art. 13(3)), and what people who meet the system are told (Art. 50)."""

    provider: Texts = needed("who provides it, and how does one reach them? Art. 13(3)(a)", ())
    purpose: Texts = needed("what is its intended purpose? Art. 13(3)(b)(i)", ())
    accuracy: Texts = needed("how accurate was it in tests, by which metrics, on which data? Art. 13(3)(b)(ii)", ())
    known_risks: Texts = needed("which use, foreseeable misuse included, leads to risks? Art. 13(3)(b)(iii)", ())
    groups: Texts = needed("how does it do for the groups on whom it is used? Art. 13(3)(b)(v)", ())
    data: Texts = needed("which inputs does it need, on which data was it trained and tested? Art. 13(3)(b)(vi)", ())
    changes: Texts = needed("which changes of system and performance are foreseen? Art. 13(3)(c)", ())
    oversight: Texts = needed("which measures let people oversee it and read its output? Art. 13(3)(d)", ())
    resources: Texts = needed("which resources does it need, how long does it last, what upkeep? Art. 13(3)(e)", ())
    logs: Texts = needed("how does the deployer collect, keep and read its logs? Art. 13(3)(f)", ())
    disclosure: Texts = needed(
        "how are people told that they deal with AI, or that a content was made by it, or why not? Art. 50", ()
    )
