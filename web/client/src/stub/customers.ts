// Accounts: what would go to a mailbox is in `letters`, with the token that its link would hold.

import type { Customer, OrderPage } from '../api.js';
import type { Account, Books, Visitor } from './books.js';
import { isEmail, readAddress, shownOrder } from './orders.js';
import { refuse } from './refusal.js';

const PASSWORD_MIN = 8;
const PASSWORD_MAX = 1024;
const PAGE = 20;
const PAGE_MAX = 50;

type Body = Record<string, unknown>;

export function register(books: Books, body: Body): void {
  const [email, password] = [readEmail(body.email), readPassword('password', body.password)];
  const known = accountOf(books, email) !== undefined;
  const name = typeof body.name === 'string' ? body.name.trim() : '';
  send(books, { to: email, kind: known ? 'known' : 'confirm', password, name });
}

export function verify(books: Books, browser: Visitor, body: Body): Customer {
  const password = readPassword('password', body.password);
  const letter = books.letters.find(({ token, isOpen }) => isOpen && token === body.token);
  if (!letter || letter.kind === 'reset') return refuse('link.notFound');
  if (letter.password !== password) return refuse('auth.required');
  const other = accountOf(books, letter.to);
  if (other && other !== letter.account) return refuse('link.notFound');
  letter.isOpen = false;
  const account = letter.account ?? newAccount(books, letter.to, password, letter.name);
  account.email = letter.to;
  return enter(books, browser, account);
}

export function signIn(books: Books, browser: Visitor, body: Body): Customer {
  const [email, password] = [readEmail(body.email), readPassword('password', body.password)];
  const account = accountOf(books, email);
  if (account?.password !== password) return refuse('auth.required');
  return enter(books, browser, account);
}

export function signOut(browser: Visitor): void {
  delete browser.account;
}

export function forgotPassword(books: Books, body: Body): void {
  const account = accountOf(books, readEmail(body.email));
  if (account) send(books, { to: account.email, kind: 'reset', account, password: '', name: '' });
}

export function resetPassword(books: Books, body: Body): void {
  const password = readPassword('password', body.password);
  const letter = books.letters.find(({ token, isOpen }) => isOpen && token === body.token);
  if (letter?.kind !== 'reset' || !letter.account) refuse('link.notFound');
  for (const one of books.letters) if (one.account === letter.account) one.isOpen = false;
  letter.account.password = password;
  signOutOthers(books, letter.account);
}

export function update(books: Books, browser: Visitor, body: Body): Customer {
  const account = signedIn(browser);
  const { email, newPassword, name, acceptsMarketing } = body;
  const wanted = email === undefined ? undefined : readEmail(email);
  const chosen = newPassword === undefined ? undefined : readPassword('newPassword', newPassword);
  if (wanted !== undefined || chosen !== undefined) expectPassword(account, body.password);
  if (acceptsMarketing === true && !body.marketingText) invalid('marketingText');
  if (typeof name === 'string') account.name = name.trim();
  if (acceptsMarketing === false) delete account.marketing;
  if (acceptsMarketing === true) {
    const since = books.now().toISOString();
    account.marketing = { since, text: String(body.marketingText) };
  }
  if (wanted !== undefined) {
    send(books, { to: wanted, kind: 'confirm', account, password: account.password, name: '' });
  }
  if (chosen !== undefined) {
    account.password = chosen;
    signOutOthers(books, account, browser);
  }
  return shown(account);
}

export function remove(books: Books, browser: Visitor, body: Body): void {
  const account = signedIn(browser);
  expectPassword(account, body.password);
  books.accounts.splice(books.accounts.indexOf(account), 1);
  for (const order of books.orders) if (order.owner === account) delete order.owner;
  signOutOthers(books, account);
}

export function addAddress(books: Books, browser: Visitor, body: Body): Customer {
  const account = signedIn(browser);
  const kept = { id: books.id(), address: readAddress('', body) };
  account.addresses.push(kept);
  if (body.isDefault === true || account.addresses.length === 1) account.first = kept.id;
  return shown(account);
}

export function changeAddress(browser: Visitor, id: string, body: Body): Customer {
  const account = signedIn(browser);
  const kept = account.addresses.find((one) => one.id === id) ?? refuse('address.notFound');
  kept.address = readAddress('', body);
  if (body.isDefault === true) account.first = id;
  return shown(account);
}

export function removeAddress(browser: Visitor, id: string): Customer {
  const account = signedIn(browser);
  const left = account.addresses.filter((one) => one.id !== id);
  if (left.length === account.addresses.length) refuse('address.notFound');
  account.addresses = left;
  if (account.first === id) account.first = left[0]?.id;
  return shown(account);
}

export const look = (browser: Visitor): Customer => shown(signedIn(browser));

export function listOrders(books: Books, browser: Visitor, search: URLSearchParams): OrderPage {
  const account = signedIn(browser);
  const limit = Number(search.get('limit') ?? PAGE);
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_MAX) {
    refuse('request.invalid', { message: `limit is a number from 1 to ${PAGE_MAX}.` });
  }
  const cursor = search.get('cursor');
  const hers = books.orders.filter(({ owner }) => owner === account).toReversed();
  const rest = cursor === null ? hers : hers.filter(({ id }) => id < cursor);
  const items = rest.slice(0, limit).map(shownOrder);
  const last = items.at(-1);
  return rest.length > limit && last ? { items, nextCursor: last.id } : { items };
}

/** The browser's cart comes along, and so do orders of the same mailbox. */
function enter(books: Books, browser: Visitor, account: Account): Customer {
  browser.account = account;
  for (const line of browser.lines) {
    const known = account.home.lines.find(({ item }) => item === line.item);
    if (known) known.quantity = Math.max(known.quantity, line.quantity);
    else account.home.lines.push(line);
  }
  browser.lines = [];
  for (const order of books.orders) {
    if (order.visitor === browser && order.status === 'pending') {
      order.visitor = account.home;
      order.owner = account;
    }
    if (same(order.contact.email, account.email)) order.owner ??= account;
  }
  return shown(account);
}

function newAccount(books: Books, email: string, password: string, name: string): Account {
  const account: Account = {
    id: books.id(),
    home: { cartId: books.id(), lines: [] },
    email,
    password,
    name,
    addresses: [],
    first: undefined,
    createdAt: books.now().toISOString(),
  };
  account.home.account = account;
  books.accounts.push(account);
  return account;
}

type Written = Omit<Books['letters'][number], 'token' | 'isOpen'>;

const send = (books: Books, letter: Written) =>
  void books.letters.push({ ...letter, token: books.id(), isOpen: letter.kind !== 'known' });

const signedIn = ({ account }: Visitor): Account => account ?? refuse('auth.required');

function signOutOthers(books: Books, account: Account, kept?: Visitor): void {
  for (const browser of books.browsers) {
    if (browser.account === account && browser !== kept) delete browser.account;
  }
}

const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();

const accountOf = (books: Books, email: string) =>
  books.accounts.find((account) => same(account.email, email));

function readEmail(text: unknown): string {
  return typeof text === 'string' && isEmail(text) ? text.trim() : invalid('email');
}

function readPassword(field: string, text: unknown): string {
  const length = typeof text === 'string' ? [...text].length : 0;
  return length >= PASSWORD_MIN && length <= PASSWORD_MAX ? String(text) : invalid(field);
}

function expectPassword({ password }: Account, typed: unknown): void {
  if (typed !== password) invalid('password');
}

const invalid = (field: string): never =>
  refuse('request.invalid', { message: `${field} is not valid.`, details: { field } });

function shown({ id, email, name, marketing, addresses, first, createdAt }: Account): Customer {
  return {
    id,
    email,
    ...(name && { name }),
    acceptsMarketing: marketing !== undefined,
    ...(marketing && { marketingSince: marketing.since, marketingText: marketing.text }),
    addresses: addresses.map((kept) => ({
      id: kept.id,
      isDefault: kept.id === first,
      ...kept.address,
    })),
    createdAt,
  };
}
