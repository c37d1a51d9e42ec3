"""A strategy of a user's file on the paper page: started, and another version of it told."""

from pathlib import Path

from tests.backtest.test_live import tape
from tests.runtime.paper.paper_pipeline import TapePipeline, eventually, see
from tests.runtime.paper.paper_tape import before_and_after
from tests.views.running import Running, page_of, words
from tests.views.user_files import EXAMPLE, user_files


def test_it_is_started_and_another_version_is_told(tmp_path: Path, system: Running, pipeline: TapePipeline) -> None:
    warm, rest = before_and_after(tape(3))
    pipeline.feed(warm)
    with user_files(tmp_path / "user", breakout=EXAMPLE) as folder:
        test = page_of("paper", paper_tab="Start a run", strategy="SpreadBreakout", y="ETH", x="BTC", window="20")
        assert "Goes with a spread that leaves its band" in words(test)
        test.button(key="paper_start").click().run()
        assert "is running as" in words(test)
        (view,) = system.paper.runs()
        pipeline.feed(rest[:60])
        eventually(lambda: see(system.paper, view.id).status == "running")

        (folder.path / "breakout.py").write_text(EXAMPLE.replace('version = "1"', 'version = "2"'), encoding="utf-8")
        test = page_of("paper")
        test.button(key="user_code_load").click().run()
        said = words(test)
        assert "Written by SpreadBreakout 1 (hash" in said
        assert "user/breakout.py now has 2 (hash" in said
        assert "It goes on with the code that it began with until the app stops." in said
        system.paper.end(view.id, flatten=False)
        eventually(lambda: see(system.paper, view.id).status == "stopped")
        system.paper.resume(view.id)
        eventually(lambda: see(system.paper, view.id).status == "waiting")
        test = page_of("paper")
        assert "The code of its strategy is not there as it was." in words(test)
        test.button(key="paper_adopt").click().run()
        eventually(lambda: see(system.paper, view.id).why.startswith("for the next trades"))
        assert not test.exception
