// Generated from docs/openapi.json by `npm run types`. Do not edit.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description What the browser is to do. */
        ActionData: {
            /** @description Stripe's name of the payment. */
            paymentIntentId: string;
            /** @description `stripe_3ds`. */
            type: string;
        };
        /** @description A product to put into the cart. */
        AddItem: {
            /** @description What. */
            productId: string;
            /**
             * Format: int64
             * @description How many, from 1 to 9999.
             */
            quantity: number;
        };
        /** @description An address. */
        Address: {
            /** @description Town. */
            city: string;
            /** @description Their company. */
            company?: string;
            /** @description ISO 3166-1 alpha-2. */
            country: string;
            /** @description Who receives it. */
            name: string;
            /** @description For the carrier. */
            phone?: string;
            /** @description Postal code; empty where the country has none. */
            postalCode: string;
            /** @description Street and number. */
            street: string;
        };
        /**
         * @description An amount in the currency's major unit, with exactly its decimals.
         * @example 49.98
         */
        Amount: number;
        /** @description What the visitor means to buy. */
        Cart: {
            /** @description The shop's currency, such as `eur`. */
            currency: string;
            /** @description The cart's id. */
            id: string;
            /** @description In the order in which they were added. */
            items: components["schemas"]["CartLine"][];
            /** @description The sum of the lines. */
            subtotal: components["schemas"]["Amount"];
        };
        /** @description A line of a cart: what an order's line has, and what is new about it. */
        CartLine: components["schemas"]["OrderLine"] & {
            /** @description What is different since the shopper last looked. */
            changed?: components["schemas"]["LineChange"];
        };
        /** @description What must be solved. */
        Challenge: {
            /**
             * Format: int32
             * @description How many bits.
             */
            bits: number;
            /** @description The challenge; send it back as it is. */
            challenge: string;
            /** @enum {string} */
            kind: "work";
        } | {
            /** @enum {string} */
            kind: "turnstile";
            /** @description Its site key. */
            siteKey: string;
        };
        /** @description A line that is not as the shopper saw it. */
        ChangedLine: {
            /**
             * Format: int32
             * @description How many there are, where there are fewer.
             */
            available?: number;
            /**
             * Format: uuid
             * @description The line, where it stands in the cart already.
             */
            lineId?: string;
            /** @description Its name. */
            name: string;
            /** @description The price now, where it has changed. */
            newUnitPrice?: components["schemas"]["Amount"];
            /** @description The price the shopper saw, where the price has changed. */
            oldUnitPrice?: components["schemas"]["Amount"];
            /**
             * Format: uuid
             * @description The product.
             */
            productId: string;
            /**
             * Format: int32
             * @description How many were asked for, where there are fewer.
             */
            wanted?: number;
        };
        /** @description What the browser needs to pay. */
        CheckoutIntent: {
            /** @description What will be charged. */
            amount: components["schemas"]["Amount"];
            /** @description For Stripe.js; absent only when nothing is left to pay. */
            clientSecret?: string;
            /** @description The shop's currency, such as `eur`. */
            currency: string;
            /**
             * Format: uuid
             * @description The order: `pending`, or `paid` already where there is nothing to pay.
             */
            orderId: string;
            /** @description For Stripe.js. */
            publishableKey: string;
            /** @description Where the page loads Stripe.js from. */
            stripeJsUrl: string;
        };
        /** @description Who buys, and where it goes. */
        CheckoutRequest: {
            /** @description Whether the shopper wants to hear from the shop. */
            acceptsMarketing: boolean;
            /** @description Where the bill goes, if elsewhere. */
            billingAddress?: components["schemas"]["Address"];
            /** @description The challenge of a `checkout.challengeRequired`, solved. */
            challenge?: components["schemas"]["Solution"];
            /** @description Where the receipt goes. */
            email: string;
            /** @description Where the goods go. */
            shippingAddress: components["schemas"]["Address"];
        };
        /** @description A checkout session. */
        CheckoutSession: {
            /** @description How it can be sent. */
            availableShippingRates: components["schemas"]["ShippingRate"][];
            billingAddress?: components["schemas"]["SessionAddress"] | null;
            /** @description What is bought. */
            cartId: string;
            /** @description What the storefront notes with the order, of what the shop takes. */
            customAttributes: components["schemas"]["CustomAttributes"];
            customerInfo?: components["schemas"]["CustomerInfo"] | null;
            /**
             * Format: int64
             * @description In milliseconds since 1970.
             */
            expiresAt: number;
            /**
             * Format: uuid
             * @description The session.
             */
            id: string;
            order?: components["schemas"]["SessionOrder"] | null;
            /** @description How the payment stands. */
            payment: components["schemas"]["SessionPayment"];
            /** @description What the storefront says; the goods may say otherwise. */
            requiresShipping: boolean;
            /** @description How it is sent; null until she has chosen. */
            selectedShippingRateId?: string | null;
            shippingAddress?: components["schemas"]["SessionAddress"] | null;
            /** @description Whether the shopper may still pay. */
            status: components["schemas"]["SessionStatus"];
            totals?: components["schemas"]["SessionTotals"] | null;
        };
        /** @description Which order the browser has confirmed. */
        ConfirmRequest: {
            /**
             * Format: uuid
             * @description The order.
             */
            orderId: string;
        };
        /** @description What the storefront notes with an order, in its own words. */
        CustomAttributes: {
            [key: string]: string | number | boolean;
        };
        /** @description A customer. */
        Customer: {
            /** @description Whether she wants to hear from the shop. */
            acceptsMarketing: boolean;
            /** @description Where goods may go, in the order in which she added them. */
            addresses: components["schemas"]["CustomerAddress"][];
            /**
             * Format: date-time
             * @description Since when she has an account.
             */
            createdAt: string;
            /** @description Her address; it is proven. */
            email: string;
            /** @description The customer's id, as her orders name it. */
            id: string;
            /**
             * Format: date-time
             * @description Since when; with `marketingText` the proof that she does.
             */
            marketingSince?: string;
            /** @description The sentence that she agreed to. */
            marketingText?: string;
            /** @description How she wants to be called. */
            name?: string;
        };
        /** @description An address that a customer has kept. */
        CustomerAddress: components["schemas"]["Address"] & {
            /** @description The address's id. */
            id: string;
            /** @description Whether goods go there unless she says otherwise; one of them does. */
            isDefault: boolean;
        };
        /** @description What a customer says anew; what is not there stays as it is. */
        CustomerChanges: {
            /** @description Whether she wants to hear from the shop; `true` needs `marketingText`. */
            acceptsMarketing?: boolean;
            /** @description Another address; it becomes hers by the link in the letter that goes there. Needs `password`. */
            email?: string;
            /** @description The sentence beside the box that she ticked, in at most 1000 characters. */
            marketingText?: string;
            /** @description How she wants to be called; empty for no name. */
            name?: string;
            /** @description Another password, from 8 to 1024 characters. Needs `password`, and ends her other sign-ins. */
            newPassword?: string;
            /** @description Her present password. */
            password?: string;
        };
        /** @description Who buys. */
        CustomerInfo: {
            /** @description Her e-mail address. */
            email?: string;
            /** @description Her name. */
            name?: string;
        };
        /** @description What helps the client to mend it; which fields are there follows from the code. */
        Details: {
            /** @description What must be solved; the solution goes into the same request as `challenge`. */
            challenge?: components["schemas"]["Challenge"];
            /** @description The field that is wrong, such as `shippingAddress.postalCode`. */
            field?: string;
            /** @description The lines whose price or stock is different now. */
            lines?: components["schemas"]["ChangedLine"][];
            /** @description The least that can be charged, in the major unit. */
            minimum?: components["schemas"]["Amount"];
            /**
             * Format: uuid
             * @description The order that stands in the way.
             */
            orderId?: string;
        };
        /** @description What went wrong. */
        Error: {
            /** @description What went wrong. */
            error: components["schemas"]["ErrorContent"];
        };
        /**
         * @description What went wrong. Codes are never renamed; there may be more.
         * @enum {string}
         */
        ErrorCode: "checkout.cartEmpty" | "checkout.addressInvalid" | "checkout.stockChanged" | "checkout.priceChanged" | "checkout.amountTooSmall" | "checkout.challengeRequired" | "payment.declined" | "payment.authRequired" | "payment.unknown" | "request.invalid" | "request.crossOrigin" | "auth.required" | "product.notFound" | "cartLine.notFound" | "order.notFound" | "address.notFound" | "link.notFound" | "route.notFound" | "request.methodNotAllowed" | "request.conflict" | "backend.unsupported" | "request.tooLarge" | "rate.limited" | "server.error" | "server.unavailable";
        /** @description A failure: a stable code, a sentence, and details where they help. */
        ErrorContent: {
            /** @description Stable; switch on it. */
            code: components["schemas"]["ErrorCode"];
            /** @description Where it helps. */
            details?: components["schemas"]["Details"];
            /** @description A sentence for people. */
            message: string;
        };
        /** @description What else is known of the payment. */
        GatewayMetadata: {
            /** @description There was nothing to pay. */
            free?: boolean;
            /** @description Why the last try came to nothing. */
            lastError?: string;
            /** @description A person looks at it. */
            needsReconciliation?: boolean;
            /**
             * @description Stripe's name of the payment, from the moment in which there is one. At Elastic Path one that was
             *     declined is forgotten.
             */
            paymentIntentId?: string;
        };
        /** @description The customer's own password. */
        Leaving: {
            /** @description Her password. */
            password: string;
        };
        /** @description What is different about a line since the shopper last looked. */
        LineChange: {
            /**
             * Format: int32
             * @description How many there are, where the line asks for more.
             */
            available?: number;
            /** @description What one piece cost before, where that has changed. */
            oldUnitPrice?: components["schemas"]["Amount"];
        };
        /** @description Who signs in. */
        Login: {
            /** @description Her address. */
            email: string;
            /** @description Her password. */
            password: string;
        };
        /** @description An address to keep. */
        NewAddress: components["schemas"]["Address"] & {
            /** @description Whether goods go there from now on unless she says otherwise. The first one is so anyway. */
            isDefault?: boolean;
        };
        /** @description With what a session begins. */
        OpenSession: {
            /** @description A cart at Elastic Path; without it the visitor's own. */
            cartId?: string;
            /** @description Whether something must be sent. */
            requiresShipping?: boolean;
        };
        /** @description An order. */
        Order: {
            /** @description Where the bill goes. */
            billingAddress: components["schemas"]["Address"];
            /**
             * Format: date-time
             * @description When it was made.
             */
            createdAt: string;
            /** @description The shop's currency, such as `eur`. */
            currency: string;
            /**
             * @description What the storefront noted with it in its checkout session; absent where that is nothing, and at
             *     Elastic Path, whose own order has it.
             */
            customAttributes?: components["schemas"]["CustomAttributes"];
            /** @description Who ordered. */
            customer: components["schemas"]["OrderCustomer"];
            /** @description The order's id; at Elastic Path the platform's own. */
            id: string;
            /** @description What was ordered, as the shopper saw it at checkout. */
            items: components["schemas"]["OrderLine"][];
            /**
             * Format: date-time
             * @description When it was paid.
             */
            paidAt?: string;
            /**
             * @description How its payment stands; absent where there was nothing to pay, and at Elastic Path, whose
             *     orders do not tell it.
             */
            payment?: components["schemas"]["OrderPayment"];
            /** @description Sending. */
            shipping: components["schemas"]["Amount"];
            /** @description Where the goods go. */
            shippingAddress: components["schemas"]["Address"];
            /** @description How far it has come. */
            status: components["schemas"]["OrderStatus"];
            /** @description The lines alone; at Elastic Path less what promotions take off. */
            subtotal: components["schemas"]["Amount"];
            /** @description The tax; `taxIncluded` tells whether the total contains it already. */
            tax: components["schemas"]["Amount"];
            /**
             * @description Whether prices contain the tax (`total = subtotal + shipping`) or it comes on top
             *     (`total = subtotal + shipping + tax`).
             */
            taxIncluded: boolean;
            /** @description What the shopper pays. */
            total: components["schemas"]["Amount"];
        };
        /** @description Who ordered. */
        OrderCustomer: {
            /** @description The customer whose order it is, where she is signed in; to others it is not told. */
            customerId?: string;
            /** @description Where the receipt goes; empty where the platform has forgotten her. */
            email: string;
        };
        /** @description Some pieces of one product, at the price the shopper saw. */
        OrderLine: {
            /** @description The line's id. */
            id: string;
            /** @description A picture. */
            image?: string;
            /** @description What the line costs. */
            lineTotal: components["schemas"]["Amount"];
            /** @description The name. */
            name: string;
            /** @description What is bought. */
            productId: string;
            /**
             * Format: int32
             * @description How many.
             */
            quantity: number;
            /** @description The merchant's number. */
            sku: string;
            /** @description What one piece costs. */
            unitPrice: components["schemas"]["Amount"];
        };
        /** @description A page of orders, and where the next one starts. */
        OrderPage: {
            /** @description The orders, newest first. */
            items: components["schemas"]["Order"][];
            /** @description Give it as `cursor` to get the next page; absent on the last one. */
            nextCursor?: string;
        };
        /** @description How a payment stands. */
        OrderPayment: {
            /**
             * @description Whether the shopper's bank has taken money of it back because she disputes the payment, for
             *     now or for good. The order stays as it is. A dispute that the shop has won, or a question of
             *     the bank's for which it has taken nothing, does not count.
             */
            disputed: boolean;
            /** @description The gateway's event that says that the money moved; only an order that is paid has one. */
            eventId?: string;
            /** @description How much of it has been given back, or is on its way; absent where nothing has. */
            refundedAmount?: components["schemas"]["Amount"];
            /** @description By the last news from the gateway. */
            status: components["schemas"]["PaymentStatus"];
        };
        /**
         * @description How far an order has come.
         * @enum {string}
         */
        OrderStatus: "pending" | "paid" | "failed" | "refunded" | "cancelled";
        /** @description What changes; what is not there stays. */
        PatchSession: {
            /** @description Where the bill goes. */
            billingAddress?: components["schemas"]["SessionAddress"];
            /** @description Texts, numbers, and true or false, put over the old ones. */
            customAttributes?: components["schemas"]["CustomAttributes"];
            /** @description Who buys. */
            customerInfo?: components["schemas"]["CustomerInfo"];
            /** @description Whether something must be sent. */
            requiresShipping?: boolean;
            /** @description How it is sent: the id of a rate. */
            selectedShippingRateId?: string;
            /** @description Where the goods go. */
            shippingAddress?: components["schemas"]["SessionAddress"];
        };
        /**
         * @description How a payment stands, by the last news from the gateway.
         * @enum {string}
         */
        PaymentStatus: "starting" | "open" | "declined" | "requires_action" | "processing" | "succeeded" | "failed" | "cancelled";
        /** @description With what it is paid. */
        PaySession: {
            /** @description The challenge of a `CHALLENGE_REQUIRED`, solved. */
            challenge?: components["schemas"]["Solution"];
            /** @description What Stripe.js has made of the card. */
            confirmation_token?: string;
            /** @description `stripe`; `manual` where there is nothing to pay. */
            gateway: string;
            /**
             * Format: int64
             * @description What the page showed the shopper that it costs, in the currency's minor unit: where it costs
             *     something else by now, nothing is charged (`CART_MISMATCH`). Without it the session's total is
             *     charged, which another click of hers may have changed a moment ago.
             */
            total?: number;
        };
        /** @description A product of the catalogue. */
        Product: {
            /**
             * Format: int32
             * @description How many can be ordered: on hand minus reserved.
             */
            available: number;
            /** @description The shop's currency, such as `eur`. */
            currency: string;
            /** @description Plain text. */
            description: string;
            /** @description The product's id. */
            id: string;
            /** @description A URL, absolute or from the shop's root. */
            image?: string;
            /** @description The name. */
            name: string;
            /** @description What one piece costs. */
            price: components["schemas"]["Amount"];
            /** @description The merchant's number. */
            sku: string;
        };
        /** @description A page of products, and where the next one starts. */
        ProductPage: {
            /** @description The products. */
            items: components["schemas"]["Product"][];
            /** @description Give it as `cursor` to get the next page; absent on the last one. */
            nextCursor?: string;
        };
        /** @description Who wants an account. */
        Registration: {
            /** @description Her address, to be proven. */
            email: string;
            /** @description How she wants to be called. */
            name?: string;
            /** @description From 8 to 1024 characters. */
            password: string;
        };
        /** @description Another password, by a link from a letter. */
        Reset: {
            /** @description The new password, from 8 to 1024 characters. */
            password: string;
            /** @description What stands behind `#token=` in the link. */
            token: string;
        };
        /** @description Who has forgotten her password. */
        ResetRequest: {
            /** @description Her address. */
            email: string;
        };
        /** @description An address as a form has it; each part may be empty. */
        SessionAddress: {
            /**
             * @description Town.
             * @default
             */
            city?: string;
            /**
             * @description Company.
             * @default
             */
            company?: string;
            /**
             * @description ISO 3166-1 alpha-2.
             * @default
             */
            country?: string;
            /**
             * @description County, state or region.
             * @default
             */
            county?: string;
            /**
             * @description Given name.
             * @default
             */
            firstName?: string;
            /**
             * @description Family name.
             * @default
             */
            lastName?: string;
            /**
             * @description Street and number.
             * @default
             */
            line1?: string;
            /**
             * @description What else the carrier must know.
             * @default
             */
            line2?: string;
            /**
             * @description Postal code.
             * @default
             */
            postcode?: string;
        };
        /** @description The envelope of every answer. */
        SessionAnswer: {
            /** @description The session, where there is something to show. */
            data?: components["schemas"]["SessionData"];
            /** @description What went wrong. */
            error?: components["schemas"]["SessionError"];
            /**
             * @description Why the last try to pay came to nothing, and the shopper may try again; or, where a person
             *     looks at the payment, what is certain about her money.
             */
            paymentError?: string;
            /** @description A person looks at the payment: it is not to be made again. */
            reconciliationPending?: boolean;
            /** @description Whether the request was carried out. A bank's no is an answer, not a failure. */
            success: boolean;
        };
        /** @description What the envelope holds. */
        SessionData: {
            session?: components["schemas"]["CheckoutSession"] | null;
        };
        /** @description A failure: a stable code and a sentence. */
        SessionError: {
            /** @description What must be solved; the solution goes into the same request as `challenge`. */
            challenge?: components["schemas"]["Challenge"];
            /** @description Stable; switch on it. */
            code: components["schemas"]["SessionErrorCode"];
            /** @description A sentence for people. */
            message: string;
        };
        /**
         * @description What went wrong. Codes are never renamed; there may be more.
         * @enum {string}
         */
        SessionErrorCode: "VALIDATION_ERROR" | "SESSION_GONE" | "SESSION_NOT_OPEN" | "MISSING_FIELDS" | "MISSING_SHIPPING_ADDRESS" | "CART_MISMATCH" | "SHIPPING_RATE_UNRESOLVABLE" | "SHIPPING_ERROR" | "UNKNOWN_GATEWAY" | "ADAPTER_ERROR" | "EP_ERROR" | "STORE_ERROR" | "SESSION_NOT_RESUMABLE" | "PAYMENT_STILL_REQUIRES_ACTION" | "SESSION_NOT_ABANDONABLE" | "SESSION_NOT_CONFIRMABLE" | "RATE_LIMITED" | "CHALLENGE_REQUIRED" | "ACCOUNT_REQUIRED" | "ACCOUNT_TOKEN_INVALID";
        /** @description The order that came of it. */
        SessionOrder: {
            /** @description The order. */
            id: string;
            /** @description What paid it. */
            transactionId?: string;
        };
        /** @description How the payment stands. */
        SessionPayment: {
            actionData?: components["schemas"]["ActionData"] | null;
            /** @description For Stripe.js, while the bank wants to see the shopper. */
            clientToken?: string | null;
            /** @description `stripe`, or `manual` where there was nothing to pay; null before the first try. */
            gateway?: string | null;
            /** @description What else is known. */
            gatewayMetadata: components["schemas"]["GatewayMetadata"];
            /** @description How far it is. */
            status: components["schemas"]["SessionPaymentStatus"];
        };
        /**
         * @description `requires_action` waits for the shopper and her bank.
         * @enum {string}
         */
        SessionPaymentStatus: "idle" | "pending" | "requires_action" | "succeeded" | "failed";
        /**
         * @description Whether the shopper may still pay.
         * @enum {string}
         */
        SessionStatus: "open" | "processing" | "complete" | "expired";
        /** @description What it costs, in the minor unit. */
        SessionTotals: {
            /** @description ISO 4217, in capitals. */
            currency: string;
            /**
             * Format: int64
             * @description The sending.
             */
            shipping: number;
            /**
             * Format: int64
             * @description The lines.
             */
            subtotal: number;
            /**
             * Format: int64
             * @description The tax.
             */
            tax: number;
            /**
             * Format: int64
             * @description What is charged.
             */
            total: number;
        };
        /** @description How many pieces a line should have. */
        SetQuantity: {
            /**
             * Format: int64
             * @description How many, from 1 to 9999.
             */
            quantity: number;
        };
        /** @description One way to send it. */
        ShippingRate: {
            /**
             * Format: int64
             * @description In the minor unit.
             */
            amount: number;
            /** @description Who brings it; may be empty. */
            carrier: string;
            /** @description ISO 4217, in capitals. */
            currency: string;
            /** @description How long it takes; may be empty. */
            deliveryTime: string;
            /** @description A sentence; may be empty. */
            description: string;
            /** @description By which it is selected. */
            id: string;
            /** @description Its name. */
            name: string;
            /** @description How fast, in one word; may be empty. */
            serviceLevel: string;
        };
        /** @description A challenge, solved. */
        Solution: {
            /** @description The number that was found, in decimal digits. */
            answer: string;
            /** @description The challenge as it was given. */
            challenge: string;
            /** @enum {string} */
            kind: "work";
        } | {
            /** @enum {string} */
            kind: "turnstile";
            /** @description The token; empty where the widget could not be loaded. */
            token: string;
        };
        /** @description A link from a letter, followed. */
        Verification: {
            /** @description The password of whoever asked for the letter. */
            password: string;
            /** @description What stands behind `#token=` in the link. */
            token: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type ActionData = components['schemas']['ActionData'];
export type AddItem = components['schemas']['AddItem'];
export type Address = components['schemas']['Address'];
export type Amount = components['schemas']['Amount'];
export type Cart = components['schemas']['Cart'];
export type CartLine = components['schemas']['CartLine'];
export type Challenge = components['schemas']['Challenge'];
export type ChangedLine = components['schemas']['ChangedLine'];
export type CheckoutIntent = components['schemas']['CheckoutIntent'];
export type CheckoutRequest = components['schemas']['CheckoutRequest'];
export type CheckoutSession = components['schemas']['CheckoutSession'];
export type ConfirmRequest = components['schemas']['ConfirmRequest'];
export type CustomAttributes = components['schemas']['CustomAttributes'];
export type Customer = components['schemas']['Customer'];
export type CustomerAddress = components['schemas']['CustomerAddress'];
export type CustomerChanges = components['schemas']['CustomerChanges'];
export type CustomerInfo = components['schemas']['CustomerInfo'];
export type Details = components['schemas']['Details'];
export type Error = components['schemas']['Error'];
export type ErrorCode = components['schemas']['ErrorCode'];
export type ErrorContent = components['schemas']['ErrorContent'];
export type GatewayMetadata = components['schemas']['GatewayMetadata'];
export type Leaving = components['schemas']['Leaving'];
export type LineChange = components['schemas']['LineChange'];
export type Login = components['schemas']['Login'];
export type NewAddress = components['schemas']['NewAddress'];
export type OpenSession = components['schemas']['OpenSession'];
export type Order = components['schemas']['Order'];
export type OrderCustomer = components['schemas']['OrderCustomer'];
export type OrderLine = components['schemas']['OrderLine'];
export type OrderPage = components['schemas']['OrderPage'];
export type OrderPayment = components['schemas']['OrderPayment'];
export type OrderStatus = components['schemas']['OrderStatus'];
export type PatchSession = components['schemas']['PatchSession'];
export type PaymentStatus = components['schemas']['PaymentStatus'];
export type PaySession = components['schemas']['PaySession'];
export type Product = components['schemas']['Product'];
export type ProductPage = components['schemas']['ProductPage'];
export type Registration = components['schemas']['Registration'];
export type Reset = components['schemas']['Reset'];
export type ResetRequest = components['schemas']['ResetRequest'];
export type SessionAddress = components['schemas']['SessionAddress'];
export type SessionAnswer = components['schemas']['SessionAnswer'];
export type SessionData = components['schemas']['SessionData'];
export type SessionError = components['schemas']['SessionError'];
export type SessionErrorCode = components['schemas']['SessionErrorCode'];
export type SessionOrder = components['schemas']['SessionOrder'];
export type SessionPayment = components['schemas']['SessionPayment'];
export type SessionPaymentStatus = components['schemas']['SessionPaymentStatus'];
export type SessionStatus = components['schemas']['SessionStatus'];
export type SessionTotals = components['schemas']['SessionTotals'];
export type SetQuantity = components['schemas']['SetQuantity'];
export type ShippingRate = components['schemas']['ShippingRate'];
export type Solution = components['schemas']['Solution'];
export type Verification = components['schemas']['Verification'];
export type $defs = Record<string, never>;
export type operations = Record<string, never>;

/** Codes that no operation names: any request may be answered with them. */
export type CodeOfAny = 'route.notFound' | 'request.methodNotAllowed' | 'backend.unsupported';

/** The codes that each operation names. */
export interface CodesOf {
  abandon_payment: 'ADAPTER_ERROR' | 'SESSION_GONE' | 'SESSION_NOT_ABANDONABLE' | 'STORE_ERROR' | 'rate.limited' | 'request.crossOrigin' | 'server.error' | 'server.unavailable';
  add_address: 'auth.required' | 'checkout.addressInvalid' | 'rate.limited' | 'request.crossOrigin' | 'request.invalid' | 'request.tooLarge' | 'server.error' | 'server.unavailable';
  add_item: 'checkout.stockChanged' | 'product.notFound' | 'rate.limited' | 'request.conflict' | 'request.crossOrigin' | 'request.invalid' | 'request.tooLarge' | 'server.error' | 'server.unavailable';
  ask_reset: 'rate.limited' | 'request.crossOrigin' | 'request.invalid' | 'request.tooLarge' | 'server.error' | 'server.unavailable';
  cancel_order: 'order.notFound' | 'payment.unknown' | 'rate.limited' | 'request.conflict' | 'request.crossOrigin' | 'server.error' | 'server.unavailable';
  change_address: 'address.notFound' | 'auth.required' | 'checkout.addressInvalid' | 'rate.limited' | 'request.crossOrigin' | 'request.invalid' | 'request.tooLarge' | 'server.error' | 'server.unavailable';
  change_customer: 'auth.required' | 'rate.limited' | 'request.crossOrigin' | 'request.invalid' | 'request.tooLarge' | 'server.error' | 'server.unavailable';
  clear_cart: 'rate.limited' | 'request.conflict' | 'request.crossOrigin' | 'server.error' | 'server.unavailable';
  confirm_order: 'order.notFound' | 'payment.authRequired' | 'payment.declined' | 'payment.unknown' | 'rate.limited' | 'request.crossOrigin' | 'request.invalid' | 'request.tooLarge' | 'server.error' | 'server.unavailable';
  confirm_session: 'SESSION_GONE' | 'SESSION_NOT_CONFIRMABLE' | 'STORE_ERROR' | 'rate.limited' | 'request.crossOrigin' | 'server.error' | 'server.unavailable';
  current_session: 'STORE_ERROR' | 'rate.limited' | 'server.error' | 'server.unavailable';
  delete_customer: 'auth.required' | 'rate.limited' | 'request.crossOrigin' | 'request.invalid' | 'request.tooLarge' | 'server.error' | 'server.unavailable';
  finish_reset: 'link.notFound' | 'rate.limited' | 'request.crossOrigin' | 'request.invalid' | 'request.tooLarge' | 'server.error' | 'server.unavailable';
  get_cart: 'rate.limited' | 'server.error' | 'server.unavailable';
  get_customer: 'auth.required' | 'rate.limited' | 'server.error' | 'server.unavailable';
  get_order: 'order.notFound' | 'rate.limited' | 'server.error' | 'server.unavailable';
  get_product: 'product.notFound' | 'rate.limited' | 'server.error' | 'server.unavailable';
  list_orders: 'auth.required' | 'rate.limited' | 'request.invalid' | 'server.error' | 'server.unavailable';
  list_products: 'rate.limited' | 'request.invalid' | 'server.error' | 'server.unavailable';
  login: 'auth.required' | 'rate.limited' | 'request.crossOrigin' | 'request.invalid' | 'request.tooLarge' | 'server.error' | 'server.unavailable';
  logout: 'rate.limited' | 'request.crossOrigin' | 'server.error' | 'server.unavailable';
  offer_shipping: 'EP_ERROR' | 'MISSING_SHIPPING_ADDRESS' | 'RATE_LIMITED' | 'SESSION_GONE' | 'SESSION_NOT_OPEN' | 'SHIPPING_ERROR' | 'STORE_ERROR' | 'rate.limited' | 'request.crossOrigin' | 'server.error' | 'server.unavailable';
  open_session: 'EP_ERROR' | 'RATE_LIMITED' | 'STORE_ERROR' | 'VALIDATION_ERROR' | 'rate.limited' | 'request.crossOrigin' | 'request.tooLarge' | 'server.error' | 'server.unavailable';
  patch_session: 'EP_ERROR' | 'RATE_LIMITED' | 'SESSION_GONE' | 'SESSION_NOT_OPEN' | 'SHIPPING_ERROR' | 'STORE_ERROR' | 'VALIDATION_ERROR' | 'rate.limited' | 'request.crossOrigin' | 'request.tooLarge' | 'server.error' | 'server.unavailable';
  pay_session: 'ACCOUNT_REQUIRED' | 'ACCOUNT_TOKEN_INVALID' | 'ADAPTER_ERROR' | 'CART_MISMATCH' | 'CHALLENGE_REQUIRED' | 'EP_ERROR' | 'MISSING_FIELDS' | 'RATE_LIMITED' | 'SESSION_GONE' | 'SHIPPING_ERROR' | 'SHIPPING_RATE_UNRESOLVABLE' | 'STORE_ERROR' | 'UNKNOWN_GATEWAY' | 'VALIDATION_ERROR' | 'rate.limited' | 'request.crossOrigin' | 'request.tooLarge' | 'server.error' | 'server.unavailable';
  register: 'rate.limited' | 'request.crossOrigin' | 'request.invalid' | 'request.tooLarge' | 'server.error' | 'server.unavailable';
  remove_address: 'address.notFound' | 'auth.required' | 'rate.limited' | 'request.crossOrigin' | 'server.error' | 'server.unavailable';
  remove_item: 'cartLine.notFound' | 'rate.limited' | 'request.conflict' | 'request.crossOrigin' | 'server.error' | 'server.unavailable';
  resume_payment: 'ADAPTER_ERROR' | 'PAYMENT_STILL_REQUIRES_ACTION' | 'SESSION_GONE' | 'SESSION_NOT_RESUMABLE' | 'STORE_ERROR' | 'rate.limited' | 'request.crossOrigin' | 'server.error' | 'server.unavailable';
  set_quantity: 'cartLine.notFound' | 'checkout.stockChanged' | 'rate.limited' | 'request.conflict' | 'request.crossOrigin' | 'request.invalid' | 'request.tooLarge' | 'server.error' | 'server.unavailable';
  start_intent: 'checkout.addressInvalid' | 'checkout.amountTooSmall' | 'checkout.cartEmpty' | 'checkout.challengeRequired' | 'checkout.priceChanged' | 'checkout.stockChanged' | 'payment.unknown' | 'rate.limited' | 'request.conflict' | 'request.crossOrigin' | 'request.invalid' | 'request.tooLarge' | 'server.error' | 'server.unavailable';
  stripe_webhook: 'request.invalid' | 'request.tooLarge' | 'server.error' | 'server.unavailable';
  verify: 'auth.required' | 'link.notFound' | 'rate.limited' | 'request.crossOrigin' | 'request.invalid' | 'request.tooLarge' | 'server.error' | 'server.unavailable';
}

/** Every code there is. */
export const CODES: readonly (ErrorCode | SessionErrorCode)[] = ["checkout.cartEmpty","checkout.addressInvalid","checkout.stockChanged","checkout.priceChanged","checkout.amountTooSmall","checkout.challengeRequired","payment.declined","payment.authRequired","payment.unknown","request.invalid","request.crossOrigin","auth.required","product.notFound","cartLine.notFound","order.notFound","address.notFound","link.notFound","route.notFound","request.methodNotAllowed","request.conflict","backend.unsupported","request.tooLarge","rate.limited","server.error","server.unavailable","VALIDATION_ERROR","SESSION_GONE","SESSION_NOT_OPEN","MISSING_FIELDS","MISSING_SHIPPING_ADDRESS","CART_MISMATCH","SHIPPING_RATE_UNRESOLVABLE","SHIPPING_ERROR","UNKNOWN_GATEWAY","ADAPTER_ERROR","EP_ERROR","STORE_ERROR","SESSION_NOT_RESUMABLE","PAYMENT_STILL_REQUIRES_ACTION","SESSION_NOT_ABANDONABLE","SESSION_NOT_CONFIRMABLE","RATE_LIMITED","CHALLENGE_REQUIRED","ACCOUNT_REQUIRED","ACCOUNT_TOKEN_INVALID"];
