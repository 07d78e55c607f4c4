export type {
  ActionData,
  Address,
  Cart,
  CartLine,
  Challenge,
  CheckoutIntent,
  CheckoutRequest,
  CodeOfAny,
  CodesOf,
  CustomerInfo,
  ErrorCode,
  LineChange,
  OpenSession,
  Order,
  OrderLine,
  OrderPayment,
  OrderStatus,
  PaymentStatus,
  Product,
  ProductPage,
  SessionAddress,
  SessionErrorCode,
  SessionOrder,
  SessionPayment,
  SessionTotals,
  ShippingRate,
  Solution,
} from './api.js';
export type {
  AbortedFailure,
  Answer,
  DetailsOf,
  Failure,
  FailureOf,
  LocalCode,
  NetworkFailure,
  PriceChange,
  ShopCode,
  ShopFailure,
  Shortage,
  UnexpectedFailure,
} from './failure.js';
export { orThrow, TillError } from './failure.js';
export { decimalsOf, formatAmount, formatMinor } from './money.js';
export type { CallOptions, Fetch } from './request.js';
export type {
  CheckoutSession,
  CustomAttributes,
  SessionPaymentStatus,
  SessionStatus,
} from './session.js';
export type {
  Means,
  OpenedSession,
  PageOptions,
  SessionChanges,
  SessionState,
  Till,
  TillOptions,
} from './till.js';
export { createTill } from './till.js';
