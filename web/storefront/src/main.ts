import { createTill } from '@till/client';
import { tillPlugin } from '@till/vue';
import { createPinia } from 'pinia';
import { createApp } from 'vue';
import { router } from './router.js';
import ShopFront from './ShopFront.vue';

createApp(ShopFront).use(createPinia()).use(tillPlugin, createTill()).use(router).mount('#shop');
