import '../shared/base.css';
import './desk.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { load, showTheme } from './state/settings';

showTheme(load().theme);

const target = document.getElementById('desk');
if (target) mount(App, { target });
