export { createHello, type HelloConfig, type HelloPorts, helloSection } from './hello.js';
