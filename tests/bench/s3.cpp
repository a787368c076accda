// An S3 server on loopback with a bucket of small CSV files, which anybody may read. Prints its
// port, and runs until it is ended.
//   bench_s3 CSV OBJECTS ROWS     (s3://bucket/in/00000.csv, ...: the file's header and its next
//   ROWS records, so that no two are the same)

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "support/s3_store.hpp"

namespace {

using sluice::test::S3Store;
using sluice::test::WebObject;
using sluice::test::WebServer;

/// The file's records, line by line: no value of theirs has a newline.
class Records {
 public:
  explicit Records(const char* path) : file_(path) { std::getline(file_, header_); }

  std::string of(int rows) {
    std::string text = header_ + "\n";
    for (std::string line; rows > 0; --rows) {
      if (!std::getline(file_, line)) throw std::runtime_error("there are not so many records");
      text += line + "\n";
    }
    return text;
  }

 private:
  std::ifstream file_;
  std::string header_;
};

std::string key_of(int number) {
  char key[32];
  std::snprintf(key, sizeof key, "in/%05d.csv", number);
  return key;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "bench_s3 CSV OBJECTS ROWS\n");
    return 2;
  }
  S3Store store{.is_public = true};
  Records records(argv[1]);
  for (int i = 0; i < std::atoi(argv[2]); ++i)
    store.objects[key_of(i)] = {.body = records.of(std::atoi(argv[3])),
                                .etag = "\"" + std::to_string(i) + "\""};
  const WebServer server(store.handler());
  std::printf("%s\n", server.host_and_port().substr(server.host_and_port().rfind(':') + 1).c_str());
  std::fflush(stdout);
  for (;;) ::pause();
}
