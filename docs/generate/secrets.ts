// The purpose of each secret. A new secret without a row fails to compile.
import type { SecretName } from "../../components/schema";

export const secretMeanings: Record<SecretName, string> = {
  vrrpAuthPass: "Password of VRRP version 2; version 3 has none",
  sshPassword: "First login by password",
  sshPrivateKey:
    "First login by key; the SSH agent is asked where there is neither key nor password",
  sshPrivateKeyPassphrase: "The key's passphrase, and that of the bastion's key",
  sshProxyPassword: "The bastion's password; `sshPassword` where it is left out",
  sshProxyPrivateKey: "The bastion's key; `sshPrivateKey` where it is left out",
};
