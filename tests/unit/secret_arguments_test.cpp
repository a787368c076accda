#include "script/secret_arguments.hpp"

#include <gmock/gmock.h>

#include "jobs/handed.hpp"

namespace sluice::script {
namespace {

using ::testing::ElementsAre;

struct Shown {
  std::vector<std::string> arguments;
  std::vector<std::string> as;
};

/// Every way in which a secret can stand in the arguments of a command.
TEST(SecretArguments, AreNotShownWhereverTheyStand) {
  for (const Shown& each : std::vector<Shown>{
           {{"--placeholder", "pw=x y"}, {"--placeholder", "pw=***"}},
           {{"--placeholder=pw=x"}, {"--placeholder=pw=***"}},
           {{"--set", "app.token=x"}, {"--set", "app.token=***"}},
           {{"--set=app.api_key=x"}, {"--set=app.api_key=***"}},
           {{"--set", "work_mem=1GB"}, {"--set", "work_mem=1GB"}},
           {{"-d", "postgresql://u:x@h:5/db"}, {"-d", "postgresql://u:***@h:5/db"}},
           {{"-dpostgres://u:x@h/db"}, {"-dpostgres://u:***@h/db"}},
           {{"--dbname=postgresql://u:x@h"}, {"--dbname=postgresql://u:***@h"}},
           {{"--migrate-url", "postgresql://u:x@h"}, {"--migrate-url", "postgresql://u:***@h"}},
           {{"load", "postgresql://u:x@h"}, {"load", "postgresql://u:***@h"}},
           {{"-d", "postgresql://u@[::1]:5/db"}, {"-d", "postgresql://u@[::1]:5/db"}},
           {{"-d", "postgresql://u:a/b@c?d@h/db"}, {"-d", "postgresql://u:***@h/db"}},
           {{"-d", "postgresql://u:a?password=b@h/db"}, {"-d", "postgresql://u:***"}},
           {{"-d", "postgresql://h/db?user=a@b&password=x"},
            {"-d", "postgresql://h/db?user=a@b&password=***"}},
           {{"-d", "postgresql://h:5/db?user=a&password=x&sslmode=require"},
            {"-d", "postgresql://h:5/db?user=a&password=***&sslmode=require"}},
           {{"-d", "postgresql://h/?p%61ssword=x"}, {"-d", "postgresql://h/?p%61ssword=***"}},
           {{"-d", "postgresql://u:x@h/?sslpassword=y&options=-c%20a.b%3Dc"},
            {"-d", "postgresql://u:***@h/?sslpassword=***&options=***"}},
           {{"-d", "postgresql://u:x@h,k:6/db"}, {"-d", "postgresql://u:***@h,k:6/db"}},
           {{"-d", "host=h password=x user=u"}, {"-d", "host=h password=*** user=u"}},
           {{"--dbname", "password = 'a \\' b' user=u"}, {"--dbname", "password = '***' user=u"}},
           {{"--dbname=password=a\\ b host=h"}, {"--dbname=password=*** host=h"}},
           {{"-dpassword=x host=h"}, {"-dpassword=*** host=h"}},
           {{"-d", "password='never ends"}, {"-d", "password='***"}},
           {{"-d", "password="}, {"-d", "password="}},
           {{"-d", "options='-c a.b=c' dbname=d"}, {"-d", "options='***' dbname=d"}},
           {{"-d", "scram_client_key=x oauth_client_secret=y"},
            {"-d", "scram_client_key=*** oauth_client_secret=***"}},
           {{"--placeholder-env", "password=PW"}, {"--placeholder-env", "password=PW"}},
           {{"--map", "password=pw"}, {"--map", "password=pw"}},
           {{"-d", "shop", "--table", "passwords"}, {"-d", "shop", "--table", "passwords"}},
       }) {
    EXPECT_EQ(each.as, without_secrets(each.arguments)) << each.arguments.back();
  }
}

TEST(HandedValues, GoByTheEnvironment) {
  const std::vector<std::string> inherited{"PGSLUICE_HANDED_CONNECTION=host=old", "A=b"};
  for (const std::vector<std::string>& connection :
       std::vector<std::vector<std::string>>{{"-d", "password=x"},
                                             {"-dpassword=x"},
                                             {"--dbname", "password=x"},
                                             {"--dbname=password=x"}}) {
    std::vector<std::string> arguments{"load", "--table", "t"};
    arguments.insert(arguments.end(), connection.begin(), connection.end());
    const jobs::Handed handed = jobs::hand_values(arguments, inherited);
    EXPECT_THAT(handed.arguments, ElementsAre("load", "--table", "t"));
    EXPECT_THAT(handed.environment, ElementsAre("A=b", "PGSLUICE_HANDED_CONNECTION=password=x"));
  }
  const jobs::Handed both =
      jobs::hand_values({"migrate", "up", "--migrate-url=postgresql://u:x@h", "--placeholder",
                         "a=1", "--placeholder=b=2", "-d", "shop", "--", "-dpassword=file"},
                        {});
  EXPECT_THAT(both.arguments,
              ElementsAre("migrate", "up", "--placeholder-env", "a=PGSLUICE_HANDED_VALUE_3",
                          "--placeholder-env", "b=PGSLUICE_HANDED_VALUE_5", "-d", "shop", "--",
                          "-dpassword=file"));
  EXPECT_THAT(both.environment,
              ElementsAre("PGSLUICE_HANDED_MIGRATE_URL=postgresql://u:x@h",
                          "PGSLUICE_HANDED_VALUE_3=1", "PGSLUICE_HANDED_VALUE_5=2"));
}

}  // namespace
}  // namespace sluice::script
