#include "support/server.hpp"

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace sluice::test {
namespace {

std::string server_url;

std::string script() { return std::string(PGSLUICE_SOURCE_DIR) + "/script/private-postgres"; }

/// A server in it listens on this port.
std::string new_folder(const ReservedPort& port) {
  std::string folder = output_of("mktemp -d /tmp/pgsluice-tests.XXXXXX");
  output_of("chmod 755 " + folder + " && echo " + std::to_string(port.number()) + " > " + folder +
            "/port");
  return folder;
}

}  // namespace

std::string output_of(const std::string& command) {
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  std::string text;
  char buffer[4096];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) text += buffer;
  if (::pclose(pipe) != 0) throw std::runtime_error(command + " failed");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

void ServerEnvironment::SetUp() {
  if (const char* given = std::getenv("PGSLUICE_TEST_URL")) {
    server_url = given;
    return;
  }
  port_ = std::make_unique<ReservedPort>();
  folder_ = new_folder(*port_);
  server_url = output_of(script() + " start " + folder_ +
                         " fsync=off max_connections=60 shared_buffers=256MB");
}

void ServerEnvironment::TearDown() {
  if (folder_.empty()) return;
  output_of(script() + " stop " + folder_ + " immediate");
  output_of("rm -rf " + folder_);
}

const std::string& ServerEnvironment::url() { return server_url; }

PrivateServer::PrivateServer(std::string settings)
    : settings_(std::move(settings)), folder_(new_folder(port_)) {
  start();
}

PrivateServer::~PrivateServer() {
  if (running_) stop("immediate");
  output_of("rm -rf " + folder_);
}

Replica::Replica(const PrivateServer& primary, const std::string& name)
    : folder_(new_folder(port_)) {
  output_of("pg_basebackup -X fetch -R -D " + folder_ + "/pgdata -d " + primary.url() +
            " 2>&1 && chown -R --reference=" + primary.folder() + "/pgdata " + folder_ +
            " && chmod 700 " + folder_ + "/pgdata");
  url_ = output_of(script() + " start " + folder_ + " cluster_name=" + name);
}

Replica::~Replica() {
  output_of(script() + " stop " + folder_ + " immediate");
  output_of("rm -rf " + folder_);
}

void PrivateServer::start() {
  url_ = output_of(script() + " start " + folder_ + " " + settings_);
  running_ = true;
}

void PrivateServer::stop(const std::string& mode) {
  output_of(script() + " stop " + folder_ + " " + mode);
  running_ = false;
}

}  // namespace sluice::test
