// The root's package.json points at sources that a published package does not have: only the built folder may be packed.
console.error('Pack the built package instead: npm run build && npm pack ./dist/package');
process.exit(1);
