// What is asked of the API, and how it is written there.

/** @typedef {Record<string, any>} Bag whatever a page or the API has said */
/** @typedef {{ key: string, account?: string }} Identity who asks */

/**
 * A form as the API reads it: `{a: {b: 1}}` is `a[b]=1`, and what is empty is left out.
 * @param {Bag} fields
 * @param {string} within
 * @returns {Record<string, string>}
 */
export function flat(fields, within = '') {
  /** @type {Record<string, string>} */
  const form = {};
  for (const [key, value] of Object.entries(fields)) {
    const name = within ? `${within}[${key}]` : key;
    if (value === undefined || value === null || value === '') continue;
    if (typeof value === 'object') Object.assign(form, flat(value, name));
    else form[name] = String(value);
  }
  return form;
}

/**
 * @param {string} origin
 * @param {Identity} identity
 * @param {'GET' | 'POST'} method
 * @param {string} path
 * @param {Bag} fields
 * @returns {Promise<Bag>} the object, or `{error}`
 */
export async function askApi(origin, { key, account }, method, path, fields) {
  const form = new URLSearchParams({ key, ...flat(fields) });
  const url = `${origin}/v1/${path}`;
  const headers = new Headers();
  if (account) headers.set('Stripe-Account', account);
  try {
    const response =
      method === 'GET'
        ? await fetch(`${url}?${form}`, { headers })
        : await fetch(url, { method, headers, body: form });
    return await response.json();
  } catch {
    return { error: { ...UNREACHABLE } };
  }
}

export const UNREACHABLE = {
  type: 'api_connection_error',
  message:
    'We are experiencing issues connecting to our payments provider. Please check your internet ' +
    'connection and try again.',
};
