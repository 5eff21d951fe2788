"""A private git server as companies run it: nginx, TLS, a password, git's own HTTP backend."""
import os

from .processes import Program, answers, discard, free_port, room, run, until

CONFIGURATION = """
daemon off; pid {room}/nginx.pid; error_log {room}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log {room}/access.log combined;
    client_body_temp_path {room}/body; fastcgi_temp_path {room}/fastcgi;
    proxy_temp_path {room}/proxy; uwsgi_temp_path {room}/uwsgi; scgi_temp_path {room}/scgi;
    client_max_body_size 0;
    server {{
        listen 127.0.0.1:{port} ssl;
        server_name localhost;
        ssl_certificate {certificate}; ssl_certificate_key {key};
        location / {{
            auth_basic "private"; auth_basic_user_file {room}/htpasswd;
            fastcgi_pass unix:{room}/fcgi.sock;
            fastcgi_request_buffering off; fastcgi_buffering off;
            fastcgi_param SCRIPT_FILENAME {backend};
            fastcgi_param GIT_PROJECT_ROOT {room}/repositories;
            fastcgi_param GIT_HTTP_EXPORT_ALL 1;
            fastcgi_param PATH_INFO $uri;
            fastcgi_param REMOTE_USER $remote_user;
            fastcgi_param REMOTE_ADDR $remote_addr;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length;
            fastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding;
            fastcgi_param HTTP_GIT_PROTOCOL $http_git_protocol;
        }}
    }}
}}
"""


class GitServer:
    def __init__(self, certificate, user, password):
        self.room = room("git")
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"
        repository = self.room / "repositories" / "team" / "project.git"
        repository.mkdir(parents=True)
        git("init", "--bare", "--initial-branch=main", repository)
        git("-C", repository, "config", "http.receivepack", "true")
        digest = run(["openssl", "passwd", "-apr1", "-stdin"], stdin=password.encode()).stdout
        (self.room / "htpasswd").write_bytes(user.encode() + b":" + digest)
        backend = run(["git", "--exec-path"]).stdout.decode().strip() + "/git-http-backend"
        (self.room / "nginx.conf").write_text(CONFIGURATION.format(
            room=self.room, port=self.port, certificate=certificate[0], key=certificate[1],
            backend=backend))
        # nginx drops to an account of its own when root starts it.
        for path in (self.room, *self.room.rglob("*")):
            os.chmod(path, 0o777 if path.is_dir() else 0o644)
        os.chmod(certificate[0].parent, 0o755)
        self.backend = Program(["fcgiwrap", "-f", "-c", "2", "-s", f"unix:{self.room}/fcgi.sock"],
                               self.room, "fcgiwrap")
        until((self.room / "fcgi.sock").exists, "fcgiwrap")
        os.chmod(self.room / "fcgi.sock", 0o777)
        self.nginx = Program(["/usr/sbin/nginx", "-c", self.room / "nginx.conf", "-p", self.room],
                             self.room, "nginx")
        until(lambda: answers(self.port), "nginx")
        self.bare = repository

    def requests(self):
        """(user, request line, status) of each request that was answered."""
        found = []
        for line in (self.room / "access.log").read_text().splitlines():
            parts = line.split('"')
            found.append((parts[0].split()[2], parts[1], int(parts[2].split()[0])))
        return found

    def stop(self):
        self.nginx.stop()
        self.backend.stop()
        discard(self.room)


def git(*arguments, expect=0, environment=None):
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": "/dev/null",
             "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
             "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com",
             "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.com",
             "no_proxy": "*", **(environment or {})}
    done = run(["git", *arguments], environment=quiet)
    if expect is not None:
        assert done.returncode == expect, (arguments, done.stderr.decode())
    return done
