import { writeSync } from 'node:fs';

/** Jest reporter: names every skipped test, and makes a line of counts the last thing printed. */
export default class SkippedReporter {
  onRunComplete(_contexts, results) {
    const skipped = results.testResults
      .flatMap((file) => file.testResults)
      .filter((test) => test.status === 'pending' || test.status === 'todo')
      .map((test) => test.fullName);
    for (const name of skipped) console.log(`skipped: ${name}`);
    // A file that could not even be loaded has no tests to count, and must not pass for it.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const counts = `${results.numPassedTests} passed, ${failed} failed, ${skipped.length} skipped`;
    // Jest prints a summary of its own after this.
    process.once('exit', () => writeSync(1, `${counts}\n`));
  }
}
