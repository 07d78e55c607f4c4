// The pages of accounts. They are loaded when one of them is wanted.

export { default as AccountPage } from './AccountPage.vue';
export { default as ConfirmPage } from './ConfirmPage.vue';
export { default as ForgotPage } from './ForgotPage.vue';
export { default as OrdersPage } from './OrdersPage.vue';
export { default as RegisterPage } from './RegisterPage.vue';
export { default as ResetPage } from './ResetPage.vue';
export { default as SignInPage } from './SignInPage.vue';
