// What the server says of the shop in the page itself, so that nothing jumps when it is known.

/** What the page is told. */
export interface Facts {
  shop: string;
  /**
   * Whether catalogue and orders are at Elastic Path: nothing is found by text there, nobody says how
   * many there are, and a checkout session takes the payment.
   */
  atPlatform: boolean;
  /** Whether shoppers can have accounts. */
  accounts: boolean;
  /** Pages for whoever tries the server out. */
  links: { href: string; title: string }[];
}

/** The facts of this page; the development server leaves their place empty. */
export function factsOf(page: Document): Facts {
  const content = page.querySelector<HTMLMetaElement>('meta[name="till"]')?.content ?? '';
  try {
    return JSON.parse(content) as Facts;
  } catch {
    return { shop: 'Till', atPlatform: false, accounts: true, links: [] };
  }
}

export const facts = factsOf(document);
