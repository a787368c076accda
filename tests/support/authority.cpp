#include "support/authority.hpp"

#include "support/server.hpp"

namespace sluice::test {

Authority::Authority() {
  output_of("cd " + folder_.path() +
            " && echo subjectAltName=IP:127.0.0.1 > names"
            " && new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'"
            " && openssl req -x509 $new -keyout ca.key -out ca.pem"
            " -subj /CN=test-authority -days 2 2> /dev/null"
            " && openssl req $new -keyout s.key -out s.csr -subj /CN=server 2> /dev/null"
            " && openssl x509 -req -in s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out s.pem"
            " -days 2 -extfile names 2> /dev/null");
}

}  // namespace sluice::test
