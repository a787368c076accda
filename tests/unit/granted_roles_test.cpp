#include "script/granted_roles.hpp"

#include <gmock/gmock.h>

namespace sluice::script {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(GrantedRoles, AreThoseOfEachStatementOfADump) {
  EXPECT_THAT(granted_roles("GRANT SELECT, INSERT ON TABLE public.role TO reader, \"a \"\"b\";\n"
                            "GRANT ALL(c) ON TABLE \"to\".t TO Writer WITH GRANT OPTION;\n"
                            "REVOKE ALL ON FUNCTION public.f(a text, b text) FROM PUBLIC;\n"
                            "ALTER DEFAULT PRIVILEGES FOR ROLE maker IN SCHEMA s, u REVOKE ALL ON "
                            "TABLES FROM other;\n"
                            "CREATE POLICY p ON t FOR SELECT TO one, two USING ((a = b));\n"
                            "SET SESSION AUTHORIZATION grantor;"),
              ElementsAre("a \"b", "grantor", "maker", "one", "other", "reader", "two", "writer"));
  EXPECT_THAT(granted_roles("create table t (a text); comment on table t is 'grant a to b'; alter "
                            "table t rename to u; set search_path to x"),
              IsEmpty());
}

}  // namespace
}  // namespace sluice::script
