// On a phone the menu lies over the page: it goes when a page was chosen, which Streamlit leaves to the visitor.

const NARROW = matchMedia("(max-width: 768px)");
const LEAVE_MS = 50;

/** @returns {AbortController} that ends it. */
export function foldNavigation() {
  const stop = new AbortController();
  document.addEventListener(
    "click",
    ({ target }) => {
      const chosen = target.closest?.('[data-testid="stSidebar"] a[href]');
      if (!chosen || !NARROW.matches) return;
      setTimeout(() => document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click(), LEAVE_MS);
    },
    { signal: stop.signal },
  );
  return stop;
}
