// The appearance that a page has chosen: a theme, variables, and rules of its own.

/** @typedef {Record<string, any>} Bag */

const THEMES = ['stripe', 'night', 'flat', 'none'];

/** What a rule may name, as in `.Tab--selected:hover`. */
const SELECTOR = /^\.[A-Z][A-Za-z]*(--[a-z]+)?(::?[a-z-]+)*$/;

const own = new CSSStyleSheet();
document.adoptedStyleSheets = [own];

/**
 * `colorPrimary` is `--colorPrimary` in the style sheet. Nothing here can load anything: the
 * frame's policy forbids it.
 * @param {Bag | undefined} appearance
 * @returns {'light' | 'dark'}
 */
export function dress({ theme = 'stripe', variables = {}, rules = {} } = {}) {
  const root = document.documentElement;
  root.dataset.theme = THEMES.includes(theme) ? theme : 'stripe';
  root.removeAttribute('style');
  for (const [name, value] of Object.entries(variables)) {
    root.style.setProperty(`--${name}`, String(value));
  }
  own.replaceSync('');
  for (const [selector, declarations] of Object.entries(rules)) {
    if (!SELECTOR.test(selector)) continue;
    const rule = own.cssRules[own.insertRule(`${selector} {}`, own.cssRules.length)];
    if (!(rule instanceof CSSStyleRule)) continue;
    for (const [name, value] of Object.entries(declarations)) {
      rule.style.setProperty(name.replace(/[A-Z]/g, '-$&').toLowerCase(), String(value));
    }
  }
  const scheme = isDark(getComputedStyle(root).getPropertyValue('--colorBackground'))
    ? 'dark'
    : 'light';
  root.style.colorScheme = scheme;
  return scheme;
}

/** Whether a colour is nearer to black. @param {string} color */
function isDark(color) {
  const context = new OffscreenCanvas(1, 1).getContext('2d');
  if (!context) return false;
  context.fillStyle = '#fff';
  context.fillStyle = color.trim();
  context.fillRect(0, 0, 1, 1);
  const [red = 255, green = 255, blue = 255] = context.getImageData(0, 0, 1, 1).data;
  return red * 0.299 + green * 0.587 + blue * 0.114 < 128;
}
