#include "support/nginx.hpp"

#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "support/server.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

/// FOLDER, PORT, TLS and MORE are put in.
constexpr const char* configuration = R"(
daemon off;
master_process off;
pid FOLDER/pid;
error_log stderr warn;
events {}
http {
  log_format asked '$scheme\t$request_uri\t$status\t$http_range\t$http_if_match\t'
                   '$http_accept_encoding\t$http_authorization\t$http_x_key\t$gzip_ratio\t'
                   '$connection_requests';
  access_log FOLDER/log asked;
  client_body_temp_path FOLDER/temporary;
  proxy_temp_path FOLDER/temporary;
  fastcgi_temp_path FOLDER/temporary;
  uwsgi_temp_path FOLDER/temporary;
  scgi_temp_path FOLDER/temporary;
  gzip_types *;
  gzip_min_length 1;
  absolute_redirect off;
  server {
    listen 127.0.0.1:PORT;
    listen 127.0.0.1:TLS ssl;
    ssl_certificate FOLDER/s.pem;
    ssl_certificate_key FOLDER/s.key;
    root FOLDER/files;
    location /in/ { alias FOLDER/files/; }
    location /whole/ { alias FOLDER/files/; max_ranges 0; }
    location /packing/ { alias FOLDER/files/; gzip on; }
    location /slow/ { alias FOLDER/files/; limit_rate 50k; }
    location /few/ { alias FOLDER/files/; keepalive_requests 2; }
    location /said-to-be-packed/ { alias FOLDER/files/; add_header Content-Encoding gzip; }
    location /locked/ { alias FOLDER/files/; auth_basic in; auth_basic_user_file FOLDER/users; }
    location /moved-301/ { return 301 /in/a.csv; }
    location /moved-302/ { return 302 /in/a.csv; }
    location /moved-303/ { return 303 /in/a.csv; }
    location /moved-307/ { return 307 ../in/a.csv; }
    location /moved-308/ { return 308 http://$http_host/in/a.csv; }
    location /round/ { return 302 /round/; }
    location /to-tls/ { return 302 https://127.0.0.1:TLS/in/a.csv; }
    location /from-tls/ { return 302 http://127.0.0.1:PORT/in/a.csv; }
    location /mark- { return 204; }
    MORE
  }
}
)";

std::string with(std::string text, const std::string& name, const std::string& value) {
  for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += value.size())
    text.replace(at, name.size(), value);
  return text;
}

Nginx::Asked parse(const std::string& line) {
  Nginx::Asked a;
  std::istringstream fields(line);
  for (std::string* field : {&a.scheme, &a.path, &a.status, &a.range, &a.if_match,
                             &a.accept_encoding, &a.authorization, &a.key, &a.packed_by, &a.number})
    std::getline(fields, *field, '\t');
  return a;
}

}  // namespace

Nginx::Nginx(const std::string& locations) {
  output_of("cd " + folder_.path() + " && mkdir files && cp " + authority_.certificate() + " " +
            authority_.key() + " .");
  folder_.write("users", "user:{PLAIN}hIddEn\n");
  std::string text = with(configuration, "FOLDER", folder_.path());
  text = with(text, "MORE", locations);
  text = with(text, "PORT", std::to_string(port_.number()));
  const std::string file =
      folder_.write("nginx.conf", with(text, "TLS", std::to_string(tls_port_.number())));
  const std::vector<std::string> arguments{"-e", "stderr", "-p", folder_.path(), "-c", file};
  process_ = std::make_unique<Process>(arguments, Process::Options{.program = "/usr/sbin/nginx"});
  port_.wait_for(*process_);
}

void Nginx::put(const std::string& name, const std::string& bytes, int version) const {
  const std::string path = folder_ / ("files/" + name);
  const std::string file = folder_.write("new", bytes);
  const timespec time{1'700'000'000 + version, 0};
  const timespec times[2] = {time, time};
  if (::utimensat(AT_FDCWD, file.c_str(), times, 0) != 0 ||
      std::rename(file.c_str(), path.c_str()) != 0)
    throw std::runtime_error("cannot put " + path);
}

std::vector<Nginx::Asked> Nginx::asked() {
  // It writes a line when an answer has been sent, and does one thing at a time.
  const std::string mark = "/mark-" + std::to_string(++marks_);
  output_of("curl --silent --fail --noproxy '*' " + url() + mark);
  const auto until = std::chrono::steady_clock::now() + 60s;
  for (;;) {
    const std::string log = read_file(folder_ / "log");
    if (log.contains("\t" + mark + "\t") && log.ends_with('\n')) {
      std::vector<Asked> all;
      std::istringstream lines(log);
      for (std::string line; std::getline(lines, line);)
        if (!line.contains("\t/mark-")) all.push_back(parse(line));
      return all;
    }
    if (std::chrono::steady_clock::now() > until) throw std::runtime_error("nginx has no log");
    std::this_thread::sleep_for(10ms);
  }
}

}  // namespace sluice::test
