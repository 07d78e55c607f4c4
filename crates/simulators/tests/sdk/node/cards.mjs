import { readFileSync } from 'node:fs';
import {
  answerChallenge,
  assert,
  challengeOf,
  check,
  pay,
  refusal,
  stripe,
  Stripe,
} from './support.mjs';

const cards = JSON.parse(readFileSync(new URL('../cards.json', import.meta.url)));

for (const card of cards) {
  const expected = card.status ?? card.decline_code;
  await check(`${card.method} ends as ${card.then ? `${expected}, ${card.then}` : expected}`, () =>
    card.code ? isDeclined(card) : goesOn(card),
  );
}

async function isDeclined({ method, code, decline_code, outcome }) {
  const error = await refusal(pay(method));
  assert.ok(error instanceof Stripe.errors.StripeCardError);
  assert.equal(error.statusCode, 402);
  assert.equal(error.code, code);
  assert.equal(error.decline_code, decline_code);
  assert.equal(error.payment_intent.status, 'requires_payment_method');
  const charge = await stripe.charges.retrieve(error.charge);
  assert.equal(charge.status, 'failed');
  assert.equal(charge.outcome.type, outcome ?? 'issuer_declined');
}

async function goesOn({ method, status, then, cvc_check, risk_level }) {
  const intent = await pay(method, { expand: ['latest_charge'] });
  assert.equal(intent.status, status);
  if (then) return passes(intent, then);
  assert.equal(intent.latest_charge.outcome.risk_level, risk_level ?? 'normal');
  const { checks } = intent.latest_charge.payment_method_details.card;
  assert.equal(checks.cvc_check, cvc_check ?? 'pass');
}

async function passes({ id, next_action }, then) {
  await answerChallenge(challengeOf({ next_action }), 'complete');
  const after = await stripe.paymentIntents.retrieve(id);
  assert.equal(after.last_payment_error?.decline_code ?? after.status, then);
}
