// Who may read which secret where.

#include "actors/secret_rules.hpp"

#include "tests/support/catch.hpp"

using namespace leasehold;

namespace {

secret_request a_request() {
  secret_request x;
  x.secret = {"s-1"};
  x.company = {"acme"};
  x.environment = {"env-1"};
  x.path = "apiKey";
  return x;
}

/// Everything as it must be for `a_request`.
secret_facts good_facts() {
  secret_facts x;
  x.secret.emplace();
  x.secret->id = {"s-1"};
  x.secret->company = {"acme"};
  x.secret->latest_version = 2;
  x.binding.emplace();
  x.version.emplace();
  x.version->secret = {"s-1"};
  x.version->version = 2;
  x.version->sealed = "sealed";
  return x;
}

void check_refused(const secret_request& x, const secret_facts& facts, ec code,
                   const std::string& message) {
  auto got = resolve_secret(x, facts);
  REQUIRE_FALSE(got.has_value());
  CHECK(got.error().code == code);
  CHECK(got.error().message == message);
}

} // namespace

TEST_CASE("secret_rules: a bound, active secret of the company is read",
          "[secret_rules]") {
  auto got = resolve_secret(a_request(), good_facts());
  REQUIRE(got.has_value());
  CHECK(*got == *good_facts().version);
}

TEST_CASE("secret_rules: every check has its text, in order",
          "[secret_rules]") {
  auto x = a_request();
  auto facts = good_facts();
  // From the last check to the first: each earlier one hides the later ones.
  facts.version->status = GENERATE(secret_version_status::disabled,
                                   secret_version_status::destroyed);
  check_refused(x, facts, ec::secret_unusable, "Secret version is not active");
  facts.version.reset();
  check_refused(x, facts, ec::unknown_secret, "Secret version not found");
  facts.binding.reset();
  check_refused(x, facts, ec::binding_missing,
                "Secret is not bound to environment:env-1 at apiKey");
  x.path.clear();
  check_refused(x, facts, ec::invalid_request,
                "Secret resolution requires a binding config path");
  facts.secret->status = secret_status::disabled;
  check_refused(x, facts, ec::secret_unusable, "Secret is not active");
  facts.secret->company = {"umbrella"};
  check_refused(x, facts, ec::secret_unusable,
                "Secret must belong to same company");
  facts.secret.reset();
  check_refused(x, facts, ec::unknown_secret, "Secret not found");
  x.environment = {};
  check_refused(x, facts, ec::invalid_request,
                "Runtime secret resolution requires an environment id");
  x.company = {};
  check_refused(x, facts, ec::invalid_request,
                "Runtime secret resolution requires a companyId context");
}

TEST_CASE("secret_rules: a probe or a cleanup needs no binding, but the rest",
          "[secret_rules]") {
  auto x = a_request();
  x.needs_binding = false;
  x.environment = {};
  x.path.clear();
  auto facts = good_facts();
  facts.binding.reset();
  CHECK(resolve_secret(x, facts).has_value());
  facts.secret->company = {"umbrella"};
  check_refused(x, facts, ec::secret_unusable,
                "Secret must belong to same company");
}

TEST_CASE("secret_rules: a plugin's own secret is bound to the plugin",
          "[secret_rules]") {
  auto x = a_request();
  x.environment = {};
  x.plugin = {"plugin-1"};
  CHECK(resolve_secret(x, good_facts()).has_value());
  auto facts = good_facts();
  facts.binding.reset();
  check_refused(x, facts, ec::binding_missing,
                "Secret is not bound to plugin:plugin-1 at apiKey");
}

TEST_CASE("secret_rules: the record says who, where and how it ended",
          "[secret_rules]") {
  auto row = access_of(a_request(), 2);
  CHECK(row
        == secret_access_row{{},
                             {"acme"},
                             {"s-1"},
                             2,
                             secret_target::environment,
                             "env-1",
                             "apiKey",
                             {},
                             "resolved"});
  row.version = 0;
  row.outcome = "binding_missing";
  CHECK(access_of(a_request(), {ec::binding_missing, "x"}) == row);
}
