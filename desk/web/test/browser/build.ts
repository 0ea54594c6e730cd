import { execFileSync } from 'node:child_process';

// The tests look at what is served: the built pages under the real CSP.
export default function setup(): void {
  if (process.env['FILO_SKIP_BUILD']) return;
  execFileSync('npx', ['vite', 'build', '--logLevel', 'warn'], { stdio: 'inherit' });
}
