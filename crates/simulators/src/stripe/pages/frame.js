// A bank's page in a shop's frame: the page around it is told when the frame may be closed.
if (window.parent !== window) {
  for (const button of document.querySelectorAll("[data-framed]")) {
    const tell = () => window.parent.postMessage(JSON.parse(button.dataset.message), "*");
    button.hidden = false;
    button.addEventListener("click", tell);
    if ("atOnce" in button.dataset) tell();
  }
}
