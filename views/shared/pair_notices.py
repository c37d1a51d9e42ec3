"""What pages that follow pairs say of the feed, the engine and its kernels."""

from alphastream.instruments import in_words
from system import System
from views.shared.compiling import PAIR_MODELS, compiling_notices
from views.shared.notices import Notice, engine_notices, feed_notices, no_feed, venue_notices

ASKED_FOR = " The setting ALPHASTREAM_FEED=replay asks for it."


def pair_notices(system: System) -> list[Notice]:
    """What is shown and how the feed is, in words; nothing where there is nothing to say."""
    pipeline = system.pipeline
    if pipeline is None:
        return [no_feed(system.failure)]
    why = system.failure or ""
    if system.live is not None:
        why = in_words(system.live.reason, pipeline.venue)
    tried = system.choice.why if system.choice is not None else ""
    reasons = "; ".join(part.rstrip(".") for part in (tried, why) if part)
    return [
        *venue_notices(pipeline, tried),
        *engine_notices(pipeline, "prices"),
        *compiling_notices(pipeline.engine.compilation, *PAIR_MODELS),
        *feed_notices(pipeline, f"{reasons}. Shown instead: " if reasons else "", "" if reasons else ASKED_FOR),
    ]
