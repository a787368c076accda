#include "s3/credentials.hpp"

#include <gmock/gmock.h>

#include <map>

#include "base/failure.hpp"
#include "s3/providers.hpp"
#include "s3/url_text.hpp"
#include "unit/s3_requests.hpp"

namespace sluice::s3 {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const std::chrono::sys_seconds start = *instant_of("2026-01-02T03:00:00Z");

/// A machine with an environment, files, programs, and what it can ask for keys.
class FakeMachine {
 public:
  std::map<std::string, std::string> variables{{"HOME", "/home/a"}};
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> outputs;  ///< of programs: by their words with | between them
  /// By "METHOD URL". Nothing else answers.
  std::map<std::string, http::Response> answers;
  std::chrono::sys_seconds now = start;
  std::vector<http::Request> far;
  std::vector<http::Request> near;

  Machine machine() {
    return {.variable = [this](const std::string& name) { return in(variables, name); },
            .file = [this](const std::string& path) { return in(files, path); },
            .run = [this](const auto& words) { return run(words); },
            .now = [this] { return now; },
            .send = [this](const auto& request) { return send(request, far); },
            .send_near = [this](const auto& request) { return send(request, near); }};
  }

  void be_an_instance(const std::string& id, const std::string& expiration) {
    const std::string metadata = "http://169.254.169.254/latest/";
    answers["PUT " + metadata + "api/token"] = {.status = 200, .body = "session"};
    answers["GET " + metadata + "meta-data/iam/security-credentials/"] = {.status = 200,
                                                                          .body = "my-role"};
    answers["GET " + metadata + "meta-data/iam/security-credentials/my-role"] = {
        .status = 200, .body = json(id, expiration)};
  }

  static std::string json(const std::string& id, const std::string& expiration,
                          const std::string& token = "Token") {
    return R"({"Code":"Success","AccessKeyId":")" + id + R"(","SecretAccessKey":"hidden1",")" +
           token + R"(":"hidden2","Expiration":")" + expiration + R"(","Version":1})";
  }

  static http::Response sts(const std::string& action, const std::string& id) {
    return {.status = 200,
            .body = "<" + action +
                    "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + action +
                    "Result><Credentials><AccessKeyId>" + id +
                    "</AccessKeyId><SecretAccessKey>hidden1</SecretAccessKey><SessionToken>hidden2"
                    "</SessionToken><Expiration>2026-01-02T04:00:00Z</Expiration></Credentials></" +
                    action + "Result></" + action + "Response>"};
  }

 private:
  static std::optional<std::string> in(const std::map<std::string, std::string>& values,
                                       const std::string& name) {
    const auto at = values.find(name);
    return at == values.end() ? std::nullopt : std::optional(at->second);
  }

  std::string run(const std::vector<std::string>& words) const {
    std::string command;
    for (const std::string& word : words) command += (command.empty() ? "" : "|") + word;
    const auto output = in(outputs, command);
    if (!output) throw Failure(FailureKind::failed, words.front() + ": ended with 1");
    return *output;
  }

  http::Response send(const http::Request& request, std::vector<http::Request>& sent) const {
    sent.push_back(request);
    const auto at = answers.find(request.method + " " + request.url);
    if (at == answers.end()) throw Failure(FailureKind::failed, "nobody answers");
    return at->second;
  }
};

Credentials found_by(FakeMachine& fake, const KeyOptions& options = {}) {
  return KeyRing(fake.machine(), options).current();
}

/// What people read where there are no keys. None of the values of these tests is in it.
std::string failure_by(FakeMachine& fake, const KeyOptions& options = {}) {
  try {
    found_by(fake, options);
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.what(), Not(HasSubstr("hidden")));
    return failure.what();
  }
  return "none";
}

TEST(S3Environment, HasKeys) {
  FakeMachine fake;
  fake.variables["AWS_ACCESS_KEY_ID"] = "AKID";
  fake.variables["AWS_SECRET_ACCESS_KEY"] = "hidden1";
  EXPECT_EQ((Keys{.id = "AKID", .secret = "hidden1"}), found_by(fake).keys);
  fake.variables["AWS_SESSION_TOKEN"] = "hidden2";
  const Credentials found = found_by(fake);
  EXPECT_EQ((Keys{.id = "AKID", .secret = "hidden1", .token = "hidden2"}), found.keys);
  EXPECT_EQ("the environment", found.provider);
  EXPECT_EQ(std::nullopt, found.expires);
  EXPECT_THAT(fake.near, IsEmpty());
}

TEST(S3Environment, HasAllOrNothing) {
  FakeMachine fake;
  fake.variables["AWS_ACCESS_KEY_ID"] = "hidden";
  EXPECT_THAT(failure_by(fake), HasSubstr("AWS_SECRET_ACCESS_KEY is not"));
  fake.variables["AWS_SECRET_ACCESS_KEY"] = "hidden with blanks";
  fake.variables["AWS_ACCESS_KEY_ID"] = "a";
  EXPECT_THAT(failure_by(fake), HasSubstr("AWS_SECRET_ACCESS_KEY: has a character"));
  fake.variables["AWS_SECRET_ACCESS_KEY"] = "hidden\r\nx-injected:1";
  EXPECT_THAT(failure_by(fake), HasSubstr("AWS_SECRET_ACCESS_KEY: has a character"));
}

TEST(S3Environment, MayExpire) {
  FakeMachine fake;
  fake.variables["AWS_ACCESS_KEY_ID"] = "AKID";
  fake.variables["AWS_SECRET_ACCESS_KEY"] = "hidden1";
  fake.variables["AWS_CREDENTIAL_EXPIRATION"] = "2026-01-02T02:59:59Z";
  EXPECT_THAT(failure_by(fake), HasSubstr("the environment: they have expired"));
  fake.variables["AWS_CREDENTIAL_EXPIRATION"] = "soon";
  EXPECT_THAT(failure_by(fake), HasSubstr("no time"));
}

TEST(S3WebIdentity, AsksSts) {
  FakeMachine fake;
  fake.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/var/token";
  fake.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/a b";
  fake.files["/var/token"] = "hidden+token\n";
  fake.answers["POST https://sts.eu-west-1.amazonaws.com/"] =
      FakeMachine::sts("AssumeRoleWithWebIdentity", "ASIA");
  const Credentials found = found_by(fake, {.region = "eu-west-1"});
  EXPECT_EQ((Keys{.id = "ASIA", .secret = "hidden1", .token = "hidden2"}), found.keys);
  EXPECT_EQ("the web identity", found.provider);
  EXPECT_EQ(start + 1h, found.expires);
  ASSERT_THAT(fake.far, SizeIs(1));
  EXPECT_EQ(
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3A"
      "role%2Fa%20b&RoleSessionName=pgsluice&WebIdentityToken=hidden%2Btoken",
      fake.far[0].body);
  EXPECT_EQ("none", header_of(fake.far[0], "authorization"));
}

TEST(S3WebIdentity, SaysWhyThereIsNone) {
  FakeMachine fake;
  fake.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/var/token";
  fake.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/a";
  EXPECT_THAT(failure_by(fake), HasSubstr("/var/token: is not there"));
  fake.files["/var/token"] = "hidden";
  fake.answers["POST https://sts.amazonaws.com/"] = {
      .status = 400,
      .body =
          "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>hidden is none"
          "</Message></Error></ErrorResponse>"};
  EXPECT_THAT(failure_by(fake),
              HasSubstr("role arn:aws:iam::1:role/a: InvalidIdentityToken: *** is none (400)"));
  fake.answers["POST https://sts.amazonaws.com/"] = {.status = 200, .body = "<a/>"};
  EXPECT_THAT(failure_by(fake), HasSubstr("AccessKeyId: is empty"));
  fake.answers["POST https://sts.amazonaws.com/"] = {.status = 200, .body = "<a>"};
  EXPECT_THAT(failure_by(fake), HasSubstr("is no XML"));
}

class S3Profile : public ::testing::Test {
 protected:
  void config(const std::string& text) { fake_.files["/home/a/.aws/config"] = text; }
  void credentials(const std::string& text) { fake_.files["/home/a/.aws/credentials"] = text; }
  std::string id(const std::string& profile = "") {
    return found_by(fake_, {.profile = profile}).keys.id;
  }
  std::string failure(const std::string& profile = "") {
    return failure_by(fake_, {.profile = profile});
  }

  FakeMachine fake_;
};

TEST_F(S3Profile, IsTheDefaultOrANamedOne) {
  credentials(
      "\xEF\xBB\xBF# mine\r\n[default]\r\naws_access_key_id = one\r\naws_secret_access_key=hidden1 "
      "# c\r\n"
      "\n[dev]\nAWS_ACCESS_KEY_ID=two\naws_secret_access_key = a=b#c+/=\naws_session_token = t\n");
  EXPECT_EQ("one", id());
  EXPECT_EQ("two", id("dev"));
  fake_.variables["AWS_PROFILE"] = "dev";
  const Credentials found = found_by(fake_);
  EXPECT_EQ((Keys{.id = "two", .secret = "a=b#c+/=", .token = "t"}), found.keys);
  EXPECT_EQ("profile dev", found.provider);
}

TEST_F(S3Profile, MayStandInBothFiles) {
  config(
      "[default]\nregion = eu-west-1\naws_access_key_id = config\naws_secret_access_key = x\n"
      "[profile dev]\nendpoint_url = http://a\ns3 =\n  max_concurrent_requests = 20\n  region = b\n"
      "[dev]\nregion = none\n[services x]\ns3 =\n  endpoint_url = http://c\n");
  credentials("[default]\naws_access_key_id = one\naws_secret_access_key = y\n");
  EXPECT_EQ("one", id());
  const Profile dev = chosen_profile(fake_.machine(), "dev");
  EXPECT_EQ((Profile{{"endpoint_url", "http://a"}}), dev);
  EXPECT_EQ("eu-west-1", chosen_profile(fake_.machine(), "").at("region"));
}

TEST_F(S3Profile, MayNameServices) {
  config(
      "[services mine]\ns3 =\n  endpoint_url = http://a # c\nsts = \n  endpoint_url = http://b\n"
      "[profile dev]\nservices = mine\nendpoint_url = http://c\n[profile gone]\nservices = gone\n");
  const Profile dev = chosen_profile(fake_.machine(), "dev");
  EXPECT_EQ("http://a", dev.at(services_endpoint));
  EXPECT_EQ((Profile{{"services", "gone"}}), chosen_profile(fake_.machine(), "gone"));
  const auto value = [&dev](const std::string& name) {
    const auto at = dev.find(name);
    return at == dev.end() ? std::nullopt : std::optional(at->second);
  };
  const auto none = [](const std::string&) { return std::optional<std::string>(); };
  EXPECT_EQ("http://a", settled({}, address_of("s3://bucket/a"), none, value).endpoint);
}

TEST_F(S3Profile, MayBeElsewhere) {
  fake_.variables["AWS_SHARED_CREDENTIALS_FILE"] = "~/keys";
  fake_.files["/home/a/keys"] = "[default]\naws_access_key_id=one\naws_secret_access_key=x";
  EXPECT_EQ("one", id());
}

TEST_F(S3Profile, ThatIsNamedMustBeThere) {
  EXPECT_THAT(failure("gone"), HasSubstr("profile gone: there is no such profile"));
  fake_.variables["AWS_PROFILE"] = "gone";
  EXPECT_THAT(failure(), HasSubstr("profile gone: there is no such profile"));
  EXPECT_THROW(chosen_profile(fake_.machine(), ""), Failure);
  fake_.variables.erase("AWS_PROFILE");
  EXPECT_EQ(Profile{}, chosen_profile(fake_.machine(), ""));
}

TEST_F(S3Profile, ThatTheCommandNamesGoesBeforeTheEnvironment) {
  fake_.variables["AWS_ACCESS_KEY_ID"] = "env";
  fake_.variables["AWS_SECRET_ACCESS_KEY"] = "x";
  credentials(
      "[default]\naws_access_key_id=one\naws_secret_access_key=x\n[dev]\n"
      "aws_access_key_id=two\naws_secret_access_key=x\n");
  EXPECT_EQ("env", id());
  EXPECT_EQ("two", id("dev"));
}

TEST_F(S3Profile, MustBeWhole) {
  credentials("[default]\naws_access_key_id = hidden\n");
  EXPECT_THAT(failure(),
              HasSubstr("profile default: has a key's id, and no aws_secret_access_key"));
}

TEST_F(S3Profile, RunsAProgram) {
  config("[default]\ncredential_process = \"/opt/my tool\" --for 'a b' c\\ d\n");
  fake_.outputs["/opt/my tool|--for|a b|c d"] =
      FakeMachine::json("ASIA", "2026-01-02T04:00:00+00:00", "SessionToken");
  const Credentials found = found_by(fake_);
  EXPECT_EQ((Keys{.id = "ASIA", .secret = "hidden1", .token = "hidden2"}), found.keys);
  EXPECT_EQ(start + 1h, found.expires);
  EXPECT_EQ("credential_process of profile default", found.provider);
}

TEST_F(S3Profile, SaysWhyItsProgramHasNone) {
  config("[default]\ncredential_process = tool --password hidden\n");
  EXPECT_THAT(failure(), HasSubstr("credential_process of profile default: tool: ended with 1"));
  fake_.outputs["tool|--password|hidden"] = "hidden";
  EXPECT_THAT(failure(), HasSubstr("is no JSON"));
  fake_.outputs["tool|--password|hidden"] = R"({"AccessKeyId":"hidden"})";
  EXPECT_THAT(failure(), HasSubstr("SecretAccessKey: is empty"));
  config("[default]\ncredential_process = tool 'hidden\n");
  EXPECT_THAT(failure(), HasSubstr("a quote in it does not end"));
}

TEST_F(S3Profile, TakesARole) {
  config(
      "[profile role]\nrole_arn = arn:r\nsource_profile = base\nexternal_id = e\n"
      "role_session_name = me\nduration_seconds = 900\n");
  credentials("[base]\naws_access_key_id = one\naws_secret_access_key = hidden\n");
  fake_.answers["POST https://sts.amazonaws.com/"] = FakeMachine::sts("AssumeRole", "ASIA");
  const Credentials found = found_by(fake_, {.profile = "role"});
  EXPECT_EQ("ASIA", found.keys.id);
  EXPECT_EQ("the role of profile role", found.provider);
  ASSERT_THAT(fake_.far, SizeIs(1));
  EXPECT_EQ(
      "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Ar&RoleSessionName=me&ExternalId=e&"
      "DurationSeconds=900",
      fake_.far[0].body);
  EXPECT_THAT(header_of(fake_.far[0], "authorization"),
              HasSubstr("Credential=one/20260102/us-east-1/sts/aws4_request, "
                        "SignedHeaders=content-type;host;x-amz-date"));
}

TEST_F(S3Profile, TakesARoleByItsOwnKeysOrAnotherRole) {
  config(
      "[profile own]\nrole_arn = arn:o\nsource_profile = own\naws_access_key_id = one\n"
      "aws_secret_access_key = x\n[profile far]\nrole_arn = arn:f\nsource_profile = own\n");
  fake_.answers["POST https://sts.amazonaws.com/"] = FakeMachine::sts("AssumeRole", "ASIA");
  EXPECT_EQ("ASIA", id("own"));
  EXPECT_EQ("ASIA", id("far"));
  ASSERT_THAT(fake_.far, SizeIs(3));
  EXPECT_THAT(header_of(fake_.far[1], "authorization"), HasSubstr("Credential=one/"));
  EXPECT_THAT(header_of(fake_.far[2], "authorization"), HasSubstr("Credential=ASIA/"));
}

TEST_F(S3Profile, TakesARoleByATokenOrTheMachine) {
  config(
      "[profile web]\nrole_arn = arn:w\nweb_identity_token_file = /t\n"
      "[profile ec2]\nrole_arn = arn:e\ncredential_source = Ec2InstanceMetadata\n");
  fake_.files["/t"] = "hidden";
  fake_.be_an_instance("ROLE", "2026-01-02T09:00:00Z");
  fake_.answers["POST https://sts.amazonaws.com/"] = FakeMachine::sts("AssumeRole", "ASIA");
  EXPECT_EQ("ASIA", id("web"));
  EXPECT_EQ("ASIA", id("ec2"));
  EXPECT_THAT(fake_.far.at(0).body, HasSubstr("WebIdentityToken=hidden"));
  EXPECT_THAT(header_of(fake_.far.at(1), "authorization"), HasSubstr("Credential=ROLE/"));
}

TEST_F(S3Profile, OfTheMachinesRoleIsForAmazonUnlessTheCommandNamesIt) {
  config("[default]\nrole_arn = arn:e\ncredential_source = Ec2InstanceMetadata\n");
  fake_.be_an_instance("ROLE", "2026-01-02T09:00:00Z");
  fake_.answers["POST https://sts.amazonaws.com/"] = FakeMachine::sts("AssumeRole", "ASIA");
  EXPECT_EQ("ASIA", found_by(fake_).keys.id);
  EXPECT_EQ("ASIA", found_by(fake_, {.profile = "default", .only_given = true}).keys.id);
  EXPECT_THAT(failure_by(fake_, {.only_given = true}), HasSubstr("not Amazon's S3"));
}

TEST_F(S3Profile, RefusesWhatItCannotDo) {
  config(
      "[profile sso]\nsso_session = a\nsso_account_id = 1\n"
      "[profile mfa]\nrole_arn = a\nsource_profile = sso\nmfa_serial = b\n"
      "[profile a]\nrole_arn = a\nsource_profile = b\n[profile b]\nrole_arn = b\nsource_profile = "
      "a\n"
      "[profile bare]\nrole_arn = a\n[profile gone]\nrole_arn = a\nsource_profile = nobody\n"
      "[profile empty]\nregion = x\n[profile on_empty]\nrole_arn = a\nsource_profile = empty\n");
  EXPECT_THAT(failure("sso"),
              AllOf(HasSubstr("SSO"), HasSubstr("export-credentials --profile sso")));
  EXPECT_THAT(failure("mfa"), HasSubstr("mfa_serial"));
  EXPECT_THAT(failure("a"), HasSubstr("leads back to it"));
  EXPECT_THAT(failure("bare"), HasSubstr("no source_profile"));
  EXPECT_THAT(failure("gone"), HasSubstr("profile nobody: there is no such profile"));
  EXPECT_THAT(failure("on_empty"), HasSubstr("the source of its role has no keys"));
}

TEST(S3Container, OfEcsIsAskedByItsAddress) {
  FakeMachine fake;
  fake.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/x";
  fake.answers["GET http://169.254.170.2/v2/credentials/x"] = {
      .status = 200, .body = FakeMachine::json("ASIA", "2026-01-02T04:00:00Z")};
  const Credentials found = found_by(fake);
  EXPECT_EQ((Keys{.id = "ASIA", .secret = "hidden1", .token = "hidden2"}), found.keys);
  EXPECT_EQ("the container's agent", found.provider);
  EXPECT_EQ("none", header_of(fake.near.at(0), "authorization"));
  fake.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "@evil.example/";
  EXPECT_THAT(failure_by(fake), HasSubstr("slash"));
}

TEST(S3Container, OfEksIsAskedWithTheTokenOfTheHour) {
  FakeMachine fake;
  fake.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23/v1/credentials";
  fake.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "/t";
  fake.files["/t"] = "hidden1\n";
  fake.answers["GET http://169.254.170.23/v1/credentials"] = {
      .status = 200, .body = FakeMachine::json("ASIA", "2026-01-02T04:00:00Z")};
  KeyRing ring(fake.machine(), {});
  ring.current();
  fake.files["/t"] = "hidden2";
  ring.forget();
  ring.current();
  EXPECT_EQ("hidden1", header_of(fake.near.at(0), "authorization"));
  EXPECT_EQ("hidden2", header_of(fake.near.at(1), "authorization"));
  fake.files["/t"] = "hidden\r\nx-injected: 1";
  EXPECT_THAT(failure_by(fake), HasSubstr("has a character"));
  fake.files.erase("/t");
  EXPECT_THAT(failure_by(fake), HasSubstr("/t: is not there"));
}

TEST(S3Container, IsNearOrHasTls) {
  FakeMachine fake;
  std::string& url = fake.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"];
  for (const char* const good :
       {"http://127.0.0.1:1/a", "http://127.1.2.3/a", "http://[::1]:80/a", "http://localhost/a",
        "http://[fd00:ec2::23]/a", "https://host/a"}) {
    url = good;
    fake.answers[std::string("GET ") + good] = {
        .status = 200, .body = FakeMachine::json("ASIA", "2026-01-02T04:00:00Z")};
    EXPECT_EQ("ASIA", found_by(fake).keys.id) << good;
  }
  for (const char* const bad :
       {"http://host/a", "http://127.0.0.1.evil.example/a", "http://127.0.0.1@evil.example/a",
        "http://169.254.170.3/a", "ftp://127.0.0.1/a", "127.0.0.1/a", "https:///a",
        "http://127.0.0.1:1@evil.example/"}) {
    url = bad;
    EXPECT_THAT(failure_by(fake), HasSubstr("keys are asked for by https")) << bad;
  }
}

TEST(S3Container, ThatHasNoneIsAFailure) {
  FakeMachine fake;
  fake.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://localhost/a";
  EXPECT_THAT(failure_by(fake), HasSubstr("nobody answers"));
  http::Response& answer = fake.answers["GET http://localhost/a"];
  answer = {.status = 403, .body = "hidden"};
  EXPECT_THAT(failure_by(fake), HasSubstr("the container's agent: it answers 403"));
  answer = {.status = 200, .body = "hidden"};
  EXPECT_THAT(failure_by(fake), HasSubstr("no JSON"));
  answer.body = FakeMachine::json("ASIA", "hidden");
  EXPECT_THAT(failure_by(fake), HasSubstr("no time"));
}

TEST(S3Instance, IsAskedInASession) {
  FakeMachine fake;
  fake.be_an_instance("ASIA", "2026-01-02T09:00:00Z");
  const Credentials found = found_by(fake);
  EXPECT_EQ((Keys{.id = "ASIA", .secret = "hidden1", .token = "hidden2"}), found.keys);
  EXPECT_EQ("the instance's metadata", found.provider);
  ASSERT_THAT(fake.near, SizeIs(3));
  EXPECT_EQ("21600", header_of(fake.near[0], "X-aws-ec2-metadata-token-ttl-seconds"));
  EXPECT_EQ("session", header_of(fake.near[1], "X-aws-ec2-metadata-token"));
  EXPECT_EQ("session", header_of(fake.near[2], "X-aws-ec2-metadata-token"));
  EXPECT_THAT(fake.far, IsEmpty());
}

TEST(S3Instance, MayHaveNoRole) {
  FakeMachine fake;
  fake.be_an_instance("ASIA", "2026-01-02T09:00:00Z");
  fake.answers["GET http://169.254.169.254/latest/meta-data/iam/security-credentials/"].status =
      404;
  EXPECT_THAT(failure_by(fake), HasSubstr("there are no keys for S3"));
}

TEST(S3Instance, SaysWhatItAnswers) {
  FakeMachine fake;
  fake.be_an_instance("ASIA", "2026-01-02T09:00:00Z");
  fake.answers["GET http://169.254.169.254/latest/meta-data/iam/security-credentials/my-role"]
      .body = R"({"Code":"AssumeRoleUnauthorizedAccess"})";
  EXPECT_THAT(failure_by(fake), HasSubstr("it answers AssumeRoleUnauthorizedAccess"));
}

TEST(S3Instance, IsNotAskedWhereItIsSwitchedOff) {
  FakeMachine fake;
  fake.be_an_instance("ASIA", "2026-01-02T09:00:00Z");
  fake.variables["AWS_EC2_METADATA_DISABLED"] = "true";
  EXPECT_THAT(failure_by(fake), HasSubstr("there are no keys for S3"));
  EXPECT_THAT(fake.near, IsEmpty());
}

TEST(S3KeyRing, SaysWhoWasAsked) {
  FakeMachine fake;
  EXPECT_THAT(failure_by(fake),
              AllOf(HasSubstr("asked were the environment, a web identity, profile default, a "
                              "container, an instance's metadata"),
                    HasSubstr("--s3-anonymous")));
}

TEST(S3KeyRing, AsksInTheOrderOfTheSdks) {
  FakeMachine fake;
  const auto provider = [&fake] { return found_by(fake).provider; };
  fake.be_an_instance("ASIA", "2026-01-02T09:00:00Z");
  EXPECT_EQ("the instance's metadata", provider());
  fake.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://localhost/a";
  fake.answers["GET http://localhost/a"] = {
      .status = 200, .body = FakeMachine::json("ASIA", "2026-01-02T04:00:00Z")};
  EXPECT_EQ("the container's agent", provider());
  fake.files["/home/a/.aws/credentials"] =
      "[default]\naws_access_key_id=one\naws_secret_access_key=x\n";
  EXPECT_EQ("profile default", provider());
  fake.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/t";
  fake.variables["AWS_ROLE_ARN"] = "arn:r";
  fake.files["/t"] = "hidden";
  fake.answers["POST https://sts.amazonaws.com/"] = FakeMachine::sts("A", "ASIA");
  EXPECT_EQ("the web identity", provider());
  fake.variables["AWS_ACCESS_KEY_ID"] = "env";
  fake.variables["AWS_SECRET_ACCESS_KEY"] = "x";
  EXPECT_EQ("the environment", provider());
}

/// Google is not handed what AWS has given to this machine.
TEST(S3KeyRing, MayTakeWrittenKeysAlone) {
  FakeMachine fake;
  fake.be_an_instance("ASIA", "2026-01-02T09:00:00Z");
  fake.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://localhost/a";
  fake.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/t";
  fake.variables["AWS_ROLE_ARN"] = "arn:r";
  EXPECT_THAT(failure_by(fake, {.only_given = true}),
              HasSubstr("asked were the environment, profile default\n"));
  EXPECT_THAT(fake.near, IsEmpty());
  EXPECT_THAT(fake.far, IsEmpty());
}

TEST(S3KeyRing, RenewsBeforeKeysExpire) {
  FakeMachine fake;
  fake.be_an_instance("one", "2026-01-02T04:00:00Z");
  KeyRing ring(fake.machine(), {});
  EXPECT_EQ("one", ring.current().keys.id);
  fake.be_an_instance("two", "2026-01-02T05:00:00Z");
  fake.now = start + 54min;
  EXPECT_EQ("one", ring.current().keys.id);
  EXPECT_THAT(fake.near, SizeIs(3));
  fake.now = start + 55min;
  EXPECT_EQ("two", ring.current().keys.id);
  EXPECT_EQ("two", ring.current().keys.id);
  EXPECT_THAT(fake.near, SizeIs(6));
}

TEST(S3KeyRing, RenewsShortLivedKeysInTheirLastQuarter) {
  FakeMachine fake;
  fake.be_an_instance("one", "2026-01-02T03:01:00Z");
  KeyRing ring(fake.machine(), {});
  ring.current();
  fake.now = start + 44s;
  ring.current();
  EXPECT_THAT(fake.near, SizeIs(3));
  fake.now = start + 45s;
  ring.current();
  EXPECT_THAT(fake.near, SizeIs(6));
}

TEST(S3KeyRing, KeepsKeysThatHoldWhereTheRenewalFails) {
  FakeMachine fake;
  fake.be_an_instance("one", "2026-01-02T04:00:00Z");
  KeyRing ring(fake.machine(), {});
  ring.current();
  fake.answers.clear();
  fake.now = start + 56min;
  EXPECT_EQ("one", ring.current().keys.id);
  EXPECT_EQ("one", ring.current().keys.id);
  EXPECT_THAT(fake.near, SizeIs(4));  // asked once a minute
  fake.now = start + 57min;
  EXPECT_EQ("one", ring.current().keys.id);
  EXPECT_THAT(fake.near, SizeIs(5));
  fake.now = start + 60min;
  EXPECT_THROW(ring.current(), Failure);
  fake.be_an_instance("two", "2026-01-02T05:00:00Z");
  EXPECT_EQ("two", ring.current().keys.id);
}

TEST(S3KeyRing, StaysWithWhoHasGivenKeys) {
  FakeMachine fake;
  fake.be_an_instance("one", "2026-01-02T04:00:00Z");
  KeyRing ring(fake.machine(), {});
  ring.current();
  fake.variables["AWS_ACCESS_KEY_ID"] = "env";
  fake.variables["AWS_SECRET_ACCESS_KEY"] = "x";
  fake.now = start + 59min;
  EXPECT_EQ("one", ring.current().keys.id);
}

TEST(S3KeyRing, ReadsFilesAgainWhereKeysWereTooOld) {
  FakeMachine fake;
  std::string& file = fake.files["/home/a/.aws/credentials"];
  file = "[default]\naws_access_key_id=one\naws_secret_access_key=x\n";
  KeyRing ring(fake.machine(), {});
  EXPECT_EQ("one", ring.current().keys.id);
  file = "[default]\naws_access_key_id=two\naws_secret_access_key=x\n";
  EXPECT_EQ("one", ring.current().keys.id);
  ring.forget();
  EXPECT_EQ("two", ring.current().keys.id);
}

TEST(S3Instant, IsReadInEachForm) {
  const auto text = [](const char* from) {
    const auto instant = instant_of(from);
    return instant ? (*instant - start).count() : -1;
  };
  EXPECT_EQ(5, text("2026-01-02T03:00:05Z"));
  EXPECT_EQ(5, text("2026-01-02T03:00:05.123456Z"));
  EXPECT_EQ(5, text("2026-01-02T04:00:05+01:00"));
  EXPECT_EQ(5, text("2026-01-02 01:30:05-01:30"));
  for (const char* const bad :
       {"", "2026-01-02", "2026-01-02T03:00:05", "2026-13-02T03:00:05Z", "2026-02-30T03:00:05Z",
        "2026-01-02T24:00:05Z", "2026-01-02T03:00:05+1", "2026-01-02T03:00:05Zx",
        "20260102T030005Z", "1767323045", "2026-01-0xT03:00:05Z", "2026-01-02T03:0:0:5Z",
        "2026-01-02T03:00:05.Q"})
    EXPECT_EQ(std::nullopt, instant_of(bad)) << bad;
}

}  // namespace
}  // namespace sluice::s3
