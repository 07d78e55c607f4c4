// RapiDoc knows one colour scheme at a time; this gives it the reader's, also when it changes.
'use strict';

const LIGHT = {
  'theme': 'light',
  'bg-color': '#faf7f2',
  'text-color': '#262420',
  'primary-color': '#9c4a30',
  'nav-bg-color': '#f1ebe2',
  'nav-text-color': '#4d4740',
  'nav-hover-bg-color': '#e7ded1',
  'nav-hover-text-color': '#262420',
  'nav-accent-color': '#9c4a30',
};

const DARK = {
  'theme': 'dark',
  'bg-color': '#191a1c',
  'text-color': '#ece8e1',
  'primary-color': '#e79a7d',
  'nav-bg-color': '#222427',
  'nav-text-color': '#c4beb4',
  'nav-hover-bg-color': '#303337',
  'nav-hover-text-color': '#ffffff',
  'nav-accent-color': '#e79a7d',
};

const dark = window.matchMedia('(prefers-color-scheme: dark)');

function paint() {
  const page = document.querySelector('rapi-doc');
  for (const [name, value] of Object.entries(dark.matches ? DARK : LIGHT)) {
    page.setAttribute(name, value);
  }
}

paint();
dark.addEventListener('change', paint);
