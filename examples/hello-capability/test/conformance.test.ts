import { describeConformance } from '@reactor/testing';
import { helloForTest } from './support.js';

describeConformance('hello', helloForTest);
