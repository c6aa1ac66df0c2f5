// better-auth names vitest as an optional peer. pnpm finds it in this workspace, and every production install would carry a
// test runner, with its bundler, that nothing there uses.
module.exports = {
  hooks: {
    readPackage(manifest) {
      if (manifest.name === 'better-auth') {
        delete manifest.peerDependencies.vitest;
        delete manifest.peerDependenciesMeta.vitest;
      }
      return manifest;
    },
  },
};
