// A form of the simulator's in the page, and the element that a page holds of it.

import { UNREACHABLE } from '../elements/form.js';
import { IntegrationError, ORIGIN } from './api.js';

/** @typedef {import('./api.js').Bag} Bag */

/** How long a form may take to load. */
const PATIENCE_MS = 20_000;

export class Emitter {
  /** @type {Map<string, ((event: any) => void)[]>} */
  handlers = new Map();

  /** @param {string} type @param {(event: any) => void} handler */
  on(type, handler) {
    this.handlers.set(type, [...(this.handlers.get(type) ?? []), handler]);
    return this;
  }

  /** @param {string} type @param {(event: any) => void} handler */
  once(type, handler) {
    const first = (/** @type {any} */ event) => {
      this.off(type, first);
      handler(event);
    };
    return this.on(type, first);
  }

  /** @param {string} type @param {((event: any) => void) | undefined} handler */
  off(type, handler = undefined) {
    const kept = handler ? (this.handlers.get(type) ?? []).filter((one) => one !== handler) : [];
    this.handlers.set(type, kept);
    return this;
  }

  /** @param {string} type @param {unknown} event */
  emit(type, event) {
    for (const handler of this.handlers.get(type) ?? []) {
      try {
        handler(event);
      } catch (error) {
        reportError(error);
      }
    }
  }
}

/** A form of the simulator's in the page. */
export class Frame {
  /** @type {Map<number, { resolve: (answer: Bag) => void, reject: (why: Error) => void }>} */
  waiting = new Map();
  asked = 0;
  /** @type {Bag | null} what it answers where it could not be loaded */
  failure = null;

  /**
   * @param {Element} node
   * @param {string} type
   * @param {Promise<Bag>} init what the form is told first
   * @param {(message: Bag) => void} heard
   */
  constructor(node, type, init, heard) {
    const iframe = document.createElement('iframe');
    this.iframe = iframe;
    iframe.title = TITLES[type] ?? type;
    iframe.name = `__privateStripeFrame${++Frame.count}`;
    // The frame is a little larger than what it takes, so that a field's focus ring has room.
    const style = {
      display: 'block',
      border: '0',
      boxSizing: 'border-box',
      width: 'calc(100% + 8px)',
      margin: '-4px',
      height: '0',
      background: 'transparent',
    };
    Object.assign(iframe.style, style);
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port1.onmessage = ({ data }) => this.hear(JSON.parse(data), heard);
    const open = (/** @type {Bag} */ first) =>
      iframe.contentWindow?.postMessage(JSON.stringify(first), ORIGIN, [port2]);
    // Why there is nothing to tell it, the element says.
    const opened = () => init.then(open, () => {});
    iframe.addEventListener('load', opened, { once: true });
    iframe.src = `${ORIGIN}/elements/${type}.html`;
    node.append(iframe);
  }

  static count = 0;

  /** @param {Bag} message @param {(message: Bag) => void} heard */
  hear(message, heard) {
    if (typeof message.answers !== 'number') {
      heard(message);
      return;
    }
    this.waiting.get(message.answers)?.resolve(message.with);
    this.waiting.delete(message.answers);
  }

  /**
   * @param {string} call
   * @param {unknown} payload
   * @returns {Promise<Bag>}
   */
  ask(call, payload) {
    if (this.failure) return Promise.resolve(this.failure);
    const id = ++this.asked;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      // As text, since a page may give us objects that cannot be cloned, such as Vue's.
      this.port.postMessage(JSON.stringify({ id, call, with: payload ?? null }));
    });
  }

  /** @param {Bag} error why it cannot be asked */
  fail(error) {
    this.failure = { error };
    for (const { resolve } of this.waiting.values()) resolve(this.failure);
    this.waiting.clear();
  }

  close() {
    this.port.close();
    this.iframe.remove();
    const gone = new IntegrationError('The Element is no longer mounted.');
    for (const { reject } of this.waiting.values()) reject(gone);
  }
}

/** @type {Record<string, string>} */
export const TITLES = {
  payment: 'Secure payment input frame',
  address: 'Secure address input frame',
};

/** What `elements.create` gives. */
export class StripeElement extends Emitter {
  /** @type {Frame | null} */
  frame = null;
  /** @type {Bag} what the last change said */
  last = { complete: false, empty: true, value: {} };
  isReady = false;
  isDestroyed = false;

  /** @param {string} type @param {Bag} options @param {import('./elements.js').Elements} group */
  constructor(type, options, group) {
    super();
    this.type = type;
    this.options = options;
    this.group = group;
  }

  /** @param {string | Element} target */
  mount(target) {
    if (this.isDestroyed) {
      throw new IntegrationError(
        'This Element has already been destroyed. Please create a new one.',
      );
    }
    const node = typeof target === 'string' ? document.querySelector(target) : target;
    if (!node) {
      throw new IntegrationError(
        `The selector you specified (${target}) applies to no DOM elements that are currently on the page. ` +
          'Make sure the element exists on the page before calling mount().',
      );
    }
    if (this.frame?.iframe.parentElement === node) return this;
    this.unmount();
    const init = this.group.told(this);
    // Whoever made the element adds its handlers after this.
    queueMicrotask(() => this.emit('loaderstart', { elementType: this.type }));
    const frame = new Frame(node, this.type, init, (message) => this.hear(message));
    this.frame = frame;
    const failed = (/** @type {Bag} */ error) => {
      clearTimeout(patience);
      frame.fail(error);
      if (this.frame === frame) this.emit('loaderror', { elementType: this.type, error });
    };
    const patience = setTimeout(
      () => this.frame === frame && !this.isReady && failed({ ...UNREACHABLE }),
      PATIENCE_MS,
    );
    init.catch(failed);
    return this;
  }

  /** @param {Bag} message */
  hear({ event, height, colorScheme, ...about }) {
    if (height !== undefined && this.frame) this.frame.iframe.style.height = `${height}px`;
    if (colorScheme && this.frame) this.frame.iframe.style.colorScheme = colorScheme;
    if (!event) return;
    if (event === 'change') this.last = about;
    if (event === 'ready') {
      this.isReady = true;
      // Stripe's React components hand the element itself to `onReady`.
      this.emit('ready', { elementType: this.type });
      return;
    }
    this.emit(event, { elementType: this.type, ...about });
  }

  /** @param {string} call @param {unknown} payload */
  ask(call, payload = null) {
    if (!this.frame) {
      throw new IntegrationError(
        'Elements should have a mounted Payment Element or Express Checkout Element.',
      );
    }
    return this.frame.ask(call, payload);
  }

  /** @param {Bag} options */
  update(options) {
    this.options = { ...this.options, ...options };
    this.tell('update', { options: this.options });
    return this;
  }

  /** What needs no answer; a form that goes meanwhile has none. @param {string} call @param {unknown} payload */
  tell(call, payload = null) {
    this.frame?.ask(call, payload).catch(() => {});
  }

  unmount() {
    this.frame?.close();
    this.frame = null;
    this.isReady = false;
    this.last = { complete: false, empty: true, value: {} };
  }

  destroy() {
    this.unmount();
    this.isDestroyed = true;
    this.group.forget(this);
  }

  focus() {
    this.tell('focus');
  }

  blur() {
    this.tell('blur');
  }

  clear() {
    this.tell('clear');
  }

  collapse() {
    this.tell('collapse');
    return this;
  }

  /** What has been entered; a form for cards has no such thing. */
  async getValue() {
    if (this.type !== 'address') throw new IntegrationError('This Element has no getValue().');
    const { complete, value } = this.last;
    return { complete, isNewAddress: true, value };
  }
}
