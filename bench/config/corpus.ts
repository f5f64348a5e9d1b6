import type { Source } from '@cairn/config';

/** Configurations as people have them: an installation, users, a file or two with a unit, a cluster. One of four kinds each. */
export function makeCorpus(count: number): Source[] {
  return Array.from({ length: count }, (_, index) => {
    const kind = KINDS[index % KINDS.length] ?? machine;
    return { file: `/oem/${String(index).padStart(4, '0')}.yaml`, text: `#cloud-config\n${kind(index)}` };
  });
}

const KINDS = [machine, service, cluster, node] as const;

function machine(index: number): string {
  return `# A machine that installs itself.
install:
  device: auto
  auto: true
  reboot: true
  partitions:
    oem: {size: 128}
    persistent:
      size: 0
  bind_mounts:
    - /var/lib/app-${index}
hostname: "node-{{ trunc 4 .MachineID }}"
users:
  - name: user${index}
    passwd: "secret"
    groups: ["admin"]
    ssh_authorized_keys:
      - github:user${index}
      # - github:another
  - name: second${index}
    lock_passwd: yes
    shell: /sbin/nologin
stages:
  initramfs:
    - name: settings
      sysctl:
        net.ipv4.ip_forward: 1
        vm.swappiness: "10"
      modules: [br_netfilter, overlay]
      timesyncd:
        NTP: "0.pool.example 1.pool.example"
  network:
    - name: keys
      authorized_keys:
        user${index}:
          - gitlab:user${index}
`;
}

function service(index: number): string {
  return `name: service-${index}
stages:
  boot:
    - name: files
      if: '[ ! -e /etc/app-${index}.conf ]'
      files:
        - path: /etc/app-${index}.conf
          permissions: 0644
          owner: 0
          group: 0
          content: |
            [main]
            listen = 0.0.0.0:80${index % 100}
            workers = 4
            log = /var/log/app.log
        - path: /etc/systemd/system/app-${index}.service
          permissions: "0644"
          content: |
            [Unit]
            Description=App ${index}
            After=network-online.target
            Wants=network-online.target

            [Service]
            ExecStart=/usr/local/bin/app --config /etc/app-${index}.conf
            Restart=always

            [Install]
            WantedBy=multi-user.target
      directories:
        - path: /data/app-${index}
          permissions: 0755
      systemctl:
        enable:
          - app-${index}.service
        start:
          - app-${index}.service
  network.after:
    - name: tool
      downloads:
        - url: https://example.org/tool-${index}
          path: /usr/local/bin/tool-${index}
          permissions: 0755
          timeout: 60
    - name: old
      after:
        - name: service-${index}.tool
      commands:
        - rm -f /usr/local/bin/old-${index}
        - |
          if [ -x /usr/local/bin/tool-${index} ]; then
            /usr/local/bin/tool-${index} --init
          fi
`;
}

function cluster(index: number): string {
  return `k3s:
  enabled: true
  args:
    - --disable=traefik,servicelb
    - --node-label=site=${index}
  env:
    K3S_TOKEN: "token-${index}"
p2p:
  network_id: net-${index}
  network_token: "dG9rZW4="
  dns: true
  auto:
    enable: true
    ha: {enable: true, master_nodes: 2}
write_files:
  - path: /var/lib/rancher/k3s/server/manifests/app-${index}.yaml
    permissions: "0600"
    content: |
      apiVersion: v1
      kind: ConfigMap
      metadata:
        name: app-${index}
        namespace: default
      data:
        key: value
runcmd:
  - echo "${index}"
  - systemctl restart app-${index}
`;
}

function node(index: number): string {
  return `debug: false
health:
  deadline: 10m
  checks:
    - unit: app-${index}.service
    - http: http://localhost:80${index % 100}/ready
      timeout: 5s
logs:
  journal: [app-${index}]
  files: ["/var/log/app-${index}/*.log"]
growpart:
  devices: ['/']
stages:
  rootfs.before:
    - if: '[ ! -f "/run/cos/recovery_mode" ]'
      name: layout ${index}
      environment_file: /run/cos/cos-layout.env
      environment:
        VOLUMES: "LABEL=COS_PERSISTENT:/usr/local"
        OVERLAY: "tmpfs:25%"
        RW_PATHS: "/var /etc /srv"
  fs:
    - layout:
        device:
          label: COS_PERSISTENT
        expand_partition:
          size: 0
`;
}
