"""Texts in templates: what stands between backticks is code, and no text becomes markup."""

from aims_mlflow.html_templates import with_code


def test_what_stands_between_backticks_is_code_and_everything_is_escaped():
    assert with_code("run `aims gate <x>` & see") == "run <code>aims gate &lt;x&gt;</code> &amp; see"
    assert with_code("<b>no</b> ` alone") == "&lt;b&gt;no&lt;/b&gt; ` alone"
