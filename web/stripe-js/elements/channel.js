// The line to the page around this frame, which opens it once the frame has loaded.

/** @typedef {Record<string, any>} Bag */

/**
 * @param {(init: Bag, tell: (message: Bag) => void) => Record<string, (payload: any) => unknown>} open
 *   makes the form; what it gives are the page's calls by name
 */
export function whenOpened(open) {
  addEventListener('message', function hear({ source, ports, data }) {
    const [port] = ports;
    if (source !== parent || !port) return;
    removeEventListener('message', hear);
    const tell = (/** @type {Bag} */ message) => port.postMessage(JSON.stringify(message));
    const calls = open(JSON.parse(data), tell);
    port.onmessage = async ({ data }) => {
      const { id, call, with: payload } = JSON.parse(data);
      tell({ answers: id, with: (await calls[call]?.(payload)) ?? {} });
    };
    new ResizeObserver(() => tell({ height: document.body.offsetHeight })).observe(document.body);
    addEventListener('focus', () => tell({ event: 'focus' }));
    addEventListener('blur', () => tell({ event: 'blur' }));
    document.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') tell({ event: 'escape' });
    });
    tell({ event: 'ready' });
  });
}
