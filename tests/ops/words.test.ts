// Numbers and times in words: each limit from both sides.
import { bytes, count, duration, figure, percent } from "../../ops/words";

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

test.each([
  [-1, "0 s"],
  [0, "0 s"],
  [0.9, "0 s"],
  [1, "1 s"],
  [59.9, "59 s"],
  [minute, "1 min"],
  // Seconds are left out beside minutes.
  [minute + 59, "1 min"],
  [hour - 1, "59 min"],
  [hour, "1 h"],
  [hour + minute, "1 h 1 min"],
  [hour + 59, "1 h"],
  [2 * hour + 13 * minute + 5, "2 h 13 min"],
  [day - 1, "23 h 59 min"],
  [day, "1 d"],
  // Minutes are left out beside days.
  [day + 59 * minute, "1 d"],
  [day + hour, "1 d 1 h"],
  [5 * day + 3 * hour + 7 * minute, "5 d 3 h"],
])("%d seconds are %p", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test.each([
  [0, "0"],
  [0.4, "0"],
  [0.5, "1"],
  [950, "950"],
  [9_999, "9999"],
  [10_000, "10.0k"],
  [12_345, "12.3k"],
  [99_940, "99.9k"],
  [100_000, "100k"],
  [999_499, "999k"],
  [1e6, "1.0M"],
  [4_100_000, "4.1M"],
  [1e8, "100M"],
  [1e9, "1.0G"],
  [2.5e11, "250G"],
])("%d is %p", (value, text) => {
  expect(figure(value)).toBe(text);
});

test.each([
  [0, "0 B"],
  [512, "512 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [1536, "1.5 KiB"],
  [99.9 * 1024, "99.9 KiB"],
  [100 * 1024, "100 KiB"],
  [1024 ** 2 - 1, "1024 KiB"],
  [1024 ** 2, "1.0 MiB"],
  [1024 ** 3, "1.0 GiB"],
  [1024 ** 4, "1.0 TiB"],
  [2048 * 1024 ** 4, "2048 TiB"],
])("%d bytes are %p", (value, text) => {
  expect(bytes(value)).toBe(text);
});

test.each([
  [0, 0, "0 %"],
  [0, 5, "0 %"],
  [1, 10_000, "0.01 %"],
  [99, 1000, "1e+1 %"],
  [1, 10, "10 %"],
  [1, 3, "33 %"],
  [1, 1, "100 %"],
])("%d of %d is %p", (part, whole, text) => {
  expect(percent(part, whole)).toBe(text);
});

test("one is one, and no other number is", () => {
  expect([0, 1, 2].map((number) => count(number, "host"))).toEqual([
    "0 hosts",
    "1 host",
    "2 hosts",
  ]);
});
