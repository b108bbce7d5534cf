export { createProject, type ProjectTemplate } from './create-project.ts';
export { type DemoOptions, generateDemo, type GeneratedTable } from './generate-demo.ts';
