// After the last of the lab's tests.
import { faultTable, forgetFaults } from "./faultMatrix";

export default function teardown(): void {
  const table = faultTable();
  if (table) process.stderr.write(`\nWhat was done to the pair, and how it ended:\n${table}\n\n`);
  forgetFaults();
}
