// Sent with every message, so it stays small: fetches the real module once and hands over.
// The page's own script tells where the app lives: pages are one level deep and hosts may add a prefix.
const script = document.querySelector('script[type="module"][src*="static/js/"]');
const home = script ? new URL("../../", script.src) : new URL("./", document.baseURI);
const at = (name) => new URL(`app/static/${name}`, home).href;
const loading = import(at("{{module}}"));
loading.catch(() => {}); // told below, in place of the chart

export default async function (component) {
  let module;
  try {
    module = await loading;
  } catch {
    component.parentElement.textContent =
      `The chart could not be loaded from ${at("{{module}}")}. Reload the page; ` +
      "if that does not help, the server needs server.enableStaticServing = true and a readable static folder.";
    return undefined;
  }
  return module.receive(component, { plotly: at("{{plotly}}"), home });
}
