/** Everything that `health:` may say. */
export const HEALTH_YAML = `#cloud-config
# The node of the sample.
hostname: sample
users:
  - name: me
    passwd: "x"

health:
  deadline: 15m
  allow-failed:
    - motd-*.service
    - "x@?.service"
  checks:
    - unit: ssh.service
    - tcp: 127.0.0.1:22
      timeout: 5
    - tcp: "[::1]:6443"
    - http: http://localhost:8080/ready
      status: 204
    - command: [/usr/local/bin/check, --level, 3]
      timeout: 2m
    - kubernetes: node-ready
`;
