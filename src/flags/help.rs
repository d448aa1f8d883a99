//! What the program says of itself.

/// The commands, shown before the options of the server.
pub(crate) const COMMANDS: &str = "\
Usage: vagus [options]              run a server
       vagus <command> [arguments]

Commands:
    serve        Run a server, as without a command
    pub          Publish messages
    sub          Show the messages of a subject
    req          Send a request and show the answer
    reply        Answer requests
    stream       List, show, make, change, empty and delete streams, and get their messages
    consumer     List, show, make, pause and delete consumers, and get their next messages
    kv           Make, list and delete buckets of keys, and put, get and watch values
    object       Make, list and delete object stores, and put and get objects
    backup       Back streams up into folders
    restore      Make streams again of what was backed up
    bench        Measure a server
    top          Watch a server: rates, connections, hot subjects
    healthcheck  Ask a server whether it is well
    passwd       Make a hash of a password for a configuration file
    mapping      Show what a mapping of subjects makes of them
    help         Show this, or the arguments of one command: vagus help <command>
";

/// The options that nats-server has too.
pub(crate) const SERVER: &str = "\
Options take their value as `-p 4222` or `-p=4222`; one dash and two are the same.

Server:
    -c, --config <file>               Configuration file; flags override what it says
    -t                                Check the configuration file and end
    -a, --addr, --net <host>          Address to listen on (0.0.0.0)
    -p, --port <port>                 Port for clients (4222; -1 for any that is free)
    -n, --name, --server_name <name>  Name of the server (its id)
    -P, --pid <file>                  Write the process id to this file
        --ports_file_dir <folder>     Write the ports to <program>_<pid>.ports in this folder while running
    -js, --jetstream                  Keep streams
    -sd, --store_dir <folder>         Keep here streams, and what authorities say of the server's certificates (OCSP)
    -m, --http_port <port>            Show the state of the server over HTTP on this port (-1 for any that is free)
    -ms, --https_port <port>          The same over HTTPS
        --client_advertise <address>  Address for clients, <host>:<port>, that other servers pass on
    -sl, --signal <signal>[=<pid>]    Tell a running server: term, quit, stop, reopen (its log file),
                                      reload (its configuration; fails where it is refused),
                                      ldm (let the clients go, then end)
                                      <pid> is a process id, its beginning and *, or a file with one of these
Log:
    -l, --log <file>                  Write the log to this file instead of standard error
        --log_size_limit <bytes>      Move the log file aside when it grows past this (never)
    -s, --syslog                      Log to the syslog of this machine
    -r, --remote_syslog <address>     Log to another syslog: udp://<host>:<port>, tcp://<host>:<port>, unix://<path>
    -T, --logtime                     Begin each line with the time (true)
    -D, --debug                       Write more
    -V, --trace                       Write every protocol operation
    -VV                               The same, and those of the system account
    -DV                               -D and -V
    -DVV                              -D and -VV
        --max_traced_msg_len <bytes>  Show this much of a traced message (all)

Who may connect:
        --user <name>                 Clients must give this user
        --pass <password>             and this password, or that of this bcrypt hash (vagus passwd)
        --auth <token>                Clients must give this token, or that of this bcrypt hash

TLS:
        --tls                         TLS for clients; needs the two that follow
        --tlscert <file>              Certificate of the server
        --tlskey <file>               Private key of the certificate
        --tlsverify                   Clients must show a certificate, too
        --tlscacert <file>            Authorities that clients' certificates may come from (those of the system)

Cluster:
        --cluster, --cluster_listen <url>  Where other servers of the cluster connect (host and port; -1: any port)
        --routes <url>,<url>          Servers of the cluster to connect to
        --cluster_name <name>         Name of the cluster
        --cluster_advertise <address> Address for the other servers
        --no_advertise                Do not tell clients of the other servers
        --connect_retries <number>    How often to try a server that was heard of

General:
    -h, --help                        Show this
    -v, --version                     Show the version of nats-server that this server is like
        --help_tls                    Show how TLS is set

Not in this version of vagus yet; a server that is told one of these says so and starts:
        --profile <port>              Profiling over HTTP

`vagus help serve` shows what vagus can be told beyond nats-server.
";

/// The options of `vagus serve` that nats-server does not have or does not show.
pub(crate) const SERVE: &str = "\
Usage: vagus serve [options]

Runs a server. All options of `vagus --help` hold, and these:

        --arbiters <number>           Threads that carry connections (0: one a core)
        --log_format <format>         What a line of the log looks like: text, or json for an object a line
        --log_max_num <number>        Files of the log that are kept, with --log_size_limit (all)
        --logtime_utc                 Times in the log are UTC, not those of the machine's time zone

Signals:
    INT, TERM                         End; exit status 0
    USR1                              Open the log file anew, after it was moved aside
    USR2                              Lame duck mode: accept nobody any more, tell the clients, close them one by
                                      one after a while, then end; exit status 0
";
