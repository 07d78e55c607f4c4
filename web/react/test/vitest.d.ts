declare module 'vitest' {
  export interface ProvidedContext {
    /** The versions of React that the tests are run on. */
    react: string;
  }
}

export {};
