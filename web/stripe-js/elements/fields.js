// A labelled field that says what is wrong with it, once its reader has left it.

/** @typedef {import('./card.js').Problem} Problem */
/**
 * @typedef {object} Shape
 * @property {string} name
 * @property {string} label
 * @property {string} [placeholder]
 * @property {AutoFill} [autocomplete]
 * @property {string} [inputMode]
 * @property {[string, string][]} [options] a choice of values, with what they are called
 * @property {string} [value]
 * @property {(typed: string) => string} [format] how it is written
 * @property {(typed: string) => Problem | null} [problem] of what was typed, and of nothing
 * @property {boolean} [half] takes half a line
 */

/** Something is to be typed here. @param {string} what @returns {(typed: string) => Problem | null} */
export const needed = (what) => (typed) =>
  typed.trim() ? null : { code: `incomplete_${what}`, message: 'This field is incomplete.' };

/** What is clicked when a field is left must not move from under the pointer. */
const LEFT_MS = 250;

export class Field {
  /** @param {Shape} shape @param {() => void} changed */
  constructor(shape, changed) {
    this.shape = shape;
    const { name, label, half } = shape;
    this.node = made('div', { className: half ? 'Field Field--half' : 'Field' });
    this.label = made('label', { className: 'Label', htmlFor: name, textContent: label });
    this.input = shape.options ? select(shape) : input(shape);
    this.input.id = name;
    this.input.value = shape.format?.(shape.value ?? '') ?? shape.value ?? this.input.value;
    this.error = made('p', { className: 'Error', id: `${name}-error`, hidden: true });
    this.error.setAttribute('role', 'alert');
    this.wrap = made('div', { className: 'Wrap' });
    this.wrap.append(this.input);
    this.node.append(this.label, this.wrap, this.error);
    this.input.addEventListener('input', (event) => {
      this.rewrite(event instanceof InputEvent ? event.inputType : '');
      if (!this.error.hidden) this.show(this.problem());
      changed();
    });
    this.input.addEventListener('blur', () => setTimeout(() => this.left(), LEFT_MS));
  }

  /** Says what is wrong with what was typed. */
  left() {
    if (this.value && document.activeElement !== this.input) this.show(this.problem());
  }

  get value() {
    return this.input.value.trim();
  }

  /** @returns {Problem | null} */
  problem() {
    return this.shape.problem?.(this.value) ?? null;
  }

  /** @param {Problem | null} problem */
  show(problem) {
    this.error.hidden = problem === null;
    this.error.textContent = problem?.message ?? '';
    this.input.classList.toggle('Input--invalid', problem !== null);
    this.label.classList.toggle('Label--invalid', problem !== null);
    if (problem) {
      this.input.setAttribute('aria-invalid', 'true');
      this.input.setAttribute('aria-describedby', this.error.id);
    } else {
      this.input.removeAttribute('aria-invalid');
      this.input.removeAttribute('aria-describedby');
    }
  }

  /** @param {string} label */
  rename(label) {
    this.label.textContent = label;
  }

  /** Writes what was typed as it is written, with the caret behind the same sign as before. @param {string} how */
  rewrite(how) {
    const { format } = this.shape;
    const { input } = this;
    if (!format || input instanceof HTMLSelectElement) return;
    const caret = input.selectionStart ?? input.value.length;
    const isAtEnd = caret === input.value.length;
    const signs = (/** @type {string} */ text) => text.replace(/[^A-Za-z0-9]/g, '').length;
    const before = signs(input.value.slice(0, caret));
    const formatted = format(input.value);
    // What separates the parts must not come back while it is being deleted.
    const written = how.startsWith('delete') ? formatted.replace(/[^A-Za-z0-9]+$/, '') : formatted;
    if (written === input.value) return;
    input.value = written;
    let place = 0;
    while (place < written.length && signs(written.slice(0, place)) < before) place += 1;
    const end = isAtEnd ? written.length : place;
    if (document.activeElement === input) input.setSelectionRange(end, end);
  }
}

/** @param {Shape} shape */
function input({ name, placeholder = '', autocomplete = 'off', inputMode = 'text' }) {
  const node = made('input', { className: 'Input', type: 'text', name, placeholder, autocomplete });
  node.inputMode = inputMode;
  node.spellcheck = false;
  return node;
}

/** @param {Shape} shape */
function select({ name, options = [], autocomplete = 'off' }) {
  const node = made('select', { className: 'Input Input--select', name, autocomplete });
  for (const [value, textContent] of options) {
    node.append(made('option', { value, textContent }));
  }
  return node;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} properties
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function made(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties);
}

/** Shows what is wrong with these fields, and gives the first of it. @param {Field[]} fields @param {boolean} takesFocus */
export function check(fields, takesFocus) {
  const wrong = fields.filter((field) => {
    const problem = field.problem();
    field.show(problem);
    return problem !== null;
  });
  if (takesFocus) wrong[0]?.input.focus();
  const problem = wrong[0]?.problem();
  return problem ? { error: { type: 'validation_error', ...problem } } : {};
}
