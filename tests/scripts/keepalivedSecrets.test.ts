// Secrets that a config includes: when a change of them costs a reload, and how it is undone.
import { applied, folder, host, keepalived, owner, told } from "./keepalivedHost";

describe("secrets", () => {
  const file = `${folder}/lvs-ha-secrets.conf`;
  const secrets = (text: string) => host.script("secrets.sh", ["apply", owner], text);
  const refuse = (word: string) => {
    keepalived(`[ "$1" != --config-test ] || ! grep -q ${word} ${file} || exit 1`);
  };

  beforeEach(() => {
    expect(secrets("auth_pass first\n").code).toBe(0);
    applied({ id: "first", secret: true });
  });

  test("that the config in place doesn't include cost no reload: it may be one from before the stack", () => {
    applied({ id: "second" });
    expect(secrets("auth_pass second\n").code).toBe(0);
    expect([host.read(file), told()]).toEqual(["auth_pass second\n", ["start", "reload"]]);
  });

  test("are changed with a reload that is proven, and for root alone", () => {
    expect(secrets("auth_pass second\n").code).toBe(0);
    expect(host.read(file)).toBe("auth_pass second\n");
    expect(told()).toEqual(["start", "reload"]);
    expect(host.shell(`stat -c %a ${file}; ls ${folder}`).stdout).toBe(
      "600\nkeepalived.conf\nlvs-ha-secrets.conf\n",
    );
  });

  test("that are there already cost no reload", () => {
    expect(secrets("auth_pass first\n").code).toBe(0);
    expect(told()).toEqual(["start"]);
    expect(host.shell(`ls ${folder}`).stdout).toBe("keepalived.conf\nlvs-ha-secrets.conf\n");
  });

  test("that keepalived refuses are put back, and never said", () => {
    refuse("second");
    const { code, stdout, stderr } = secrets("auth_pass second\n");
    expect(code).toBe(1);
    expect(stderr).toContain("change not taken; the secrets from before hold");
    expect(stdout + stderr).not.toMatch(/first|second/);
    expect(host.read(file)).toBe("auth_pass first\n");
    expect(host.shell(`ls ${folder}`).stdout).toBe("keepalived.conf\nlvs-ha-secrets.conf\n");
  });

  test("that a reload refuses are put back, too", () => {
    keepalived(`[ "$1" != reload ] || ! grep -q second ${file} || exit 1`);
    expect(secrets("auth_pass second\n").stderr).toContain("the secrets from before hold");
    expect(host.read(file)).toBe("auth_pass first\n");
  });

  test("of a run that was killed are taken up again, and the way back is to those before it", () => {
    keepalived('[ "$1" != reload ] || kill -KILL $CALLER');
    expect(secrets("auth_pass second\n").code).not.toBe(0);
    refuse("second");
    expect(secrets("auth_pass second\n").code).toBe(1);
    expect(host.read(file)).toBe("auth_pass first\n");
  });
});
