"""What an operator's tools have to know of this service; see common.ops.doctor.installed."""

from collections.abc import Iterator

from common.core.operations.findings import Area, Finding, error, fine, warning
from common.ops.doctor.installed import History, Installed, Need
from router.core.loading import RulesError, load
from router.edges.checks import told
from router.settings import Settings
from router.wiring import MIGRATIONS, SERVICE


def rules_findings() -> Iterator[Finding]:
    """Look at the rules file as `rules check` does."""
    path = Settings().rules
    try:
        content = path.read_bytes()
        loaded = load(content)
    except OSError as fault:
        yield error(Area.RULES, f"no rules: {fault}", "see MADOGUCHI_RULES", SERVICE)
        return
    except RulesError as fault:
        for problem in fault.problems:
            what = f"{path}:{problem.line}: {problem.reason}"
            yield error(Area.RULES, what, "see docs/routing.md", SERVICE)
        return
    for odd in told(content, loaded, None, None):
        do = "mend it, or see docs/routing.md why it may be meant"
        yield warning(Area.RULES, f"{path}:{odd.line}: {odd.reason}", do, SERVICE)
    yield fine(Area.RULES, f"{path}: {len(loaded.rules.rules)} rules can be used", SERVICE)


INSTALLED = Installed(
    name=SERVICE,
    settings=Settings,
    histories=(History(MIGRATIONS),),
    needs=frozenset({Need.TOKENS, Need.PRIVACY_KEY}),
    checks=(rules_findings,),
)
