export { forRequest, type RequestCredentials } from './credentials.js';
export { EpUnavailable, type ManagedStore, type Store } from './elastic-path.js';
export { epPlugin } from './plugin.js';
