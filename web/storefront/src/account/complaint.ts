// What is wrong with a form, in words for whoever typed it.

import type { Failure } from '@till/client';
import type { Complaint } from '@till/vue';

/** What a form says of its fields, by their names, and of codes. */
export type Sentences = Readonly<Record<string, string>>;

const SENTENCES: Sentences = {
  email: 'This is not an e-mail address, such as ada@example.org.',
  name: 'A name is one line, with at most 200 characters.',
  password: 'A password has at least 8 characters.',
  newPassword: 'A password has at least 8 characters.',
};

/** What is wrong, and with which field; with none of them where it is about the whole. */
export function complaintOf(failure: Failure, own: Sentences = {}): Complaint {
  switch (failure.code) {
    case 'checkout.addressInvalid':
      return { field: failure.details.field, message: failure.message };
    case 'request.invalid': {
      const field = failure.details?.field ?? '';
      return { field, message: own[field] ?? SENTENCES[field] ?? failure.message };
    }
    case 'auth.required': {
      // The address may be the wrong one, too; the password is what she looks at.
      const { signIn } = own;
      return signIn ? { field: 'password', message: signIn } : whole(failure.message);
    }
    case 'rate.limited':
      return whole(`Too many tries. ${patience(failure.retryAfterSeconds)}`);
    default:
      return whole(failure.message);
  }
}

const whole = (message: string): Complaint => ({ field: '', message });

function patience(seconds = 60): string {
  const minutes = Math.ceil(seconds / 60);
  return `Please wait ${minutes === 1 ? 'a minute' : `${minutes} minutes`} and try again.`;
}
