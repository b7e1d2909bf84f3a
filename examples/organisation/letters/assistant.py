"""The letter assistant: a provider's model drafts the letter that explains a refusal, and a clerk signs it."""

from collections.abc import Callable

import mlflow

PROVIDER, MODEL = "openai", "gpt-4o-2024-11-20"
ASK = "Explain in two sentences, without blame, why the loan was refused. The clerk's reason: {reason}"


def provider(prompt: str) -> str:
    """Ask the provider's model; needs the network and a key."""
    from openai import OpenAI

    answer = OpenAI().chat.completions.create(model=MODEL, messages=[{"role": "user", "content": prompt}])
    return str(answer.choices[0].message.content)


def draft(reason: str, ask: Callable[[str], str] = provider) -> str:
    """Return a draft of the letter; the call is kept as a trace."""
    with mlflow.start_span("draft a letter", span_type="CHAT_MODEL") as span:
        span.set_attributes({"mlflow.llm.provider": PROVIDER, "mlflow.llm.model": MODEL})
        span.set_inputs({"reason": reason})
        text = ask(ASK.format(reason=reason))
        span.set_outputs({"text": text})
        return text
