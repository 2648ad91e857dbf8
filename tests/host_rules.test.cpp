// What a worker may ask of its host, and in whose name.

#include "actors/host_rules.hpp"

#include "tests/support/catch.hpp"

using namespace leasehold;
using namespace std::chrono_literals;

namespace {

const asking_plugin plain{{"plugin-1"}, {"environment.drivers.register"}};

const asking_plugin trusted{{"plugin-1"},
                            {"secrets.read-ref", "metrics.write"}};

host_question question() {
  host_question out;
  out.method = "secrets.resolve";
  return out;
}

/// One that is asked while the worker handles a call of `acme`.
host_question within_a_call() {
  auto out = question();
  out.invocation = "call-1";
  out.scope = company_id{"acme"};
  out.busy = true;
  return out;
}

std::string company(const host_question& what) {
  return std::get<company_id>(scope_of(plain, what)).value;
}

host_refusal refusal(const host_question& what) {
  return std::get<host_refusal>(scope_of(plain, what));
}

} // namespace

TEST_CASE("host_rules: some methods need a capability", "[host_rules]") {
  CHECK_FALSE(check_method(plain, "log"));
  CHECK_FALSE(check_method(plain, "config.get"));
  CHECK_FALSE(check_method(trusted, "secrets.resolve"));
  CHECK_FALSE(check_method(trusted, "metrics.write"));
  CHECK(check_method(plain, "secrets.resolve")
        == host_refusal{-32001,
                        "Plugin \"plugin-1\" is missing required capability "
                        "\"secrets.read-ref\" for method \"secrets.resolve\""});
  CHECK(check_method(plain, "metrics.write")->code == -32001);
}

TEST_CASE("host_rules: what is not there is told apart from what is not known",
          "[host_rules]") {
  for (const auto* name :
       {"state.get", "state.set", "state.delete", "http.fetch"}) {
    CAPTURE(name);
    CHECK(check_method(trusted, name)
          == host_refusal{-32004, std::string{name}
                                    + " is not implemented by this host"});
  }
  CHECK(check_method(trusted, "issues.list")
        == host_refusal{-32601, "Host does not handle method \"issues.list\""});
}

TEST_CASE("host_rules: a question within a call is asked for its company",
          "[host_rules]") {
  auto what = within_a_call();
  CHECK(company(what) == "acme");
  what.company = {"acme"};
  CHECK(company(what) == "acme");
  what.company = {"other"};
  CHECK(refusal(what)
        == host_refusal{-32005,
                        "Plugin \"plugin-1\" is not allowed to perform "
                        "\"secrets.resolve\": requested company \"other\" but "
                        "the current invocation is scoped to company "
                        "\"acme\""});
}

TEST_CASE("host_rules: a call that is over lends nobody its name",
          "[host_rules]") {
  auto over = within_a_call();
  over.scope.reset();
  auto unnamed = within_a_call();
  unnamed.scope.reset();
  unnamed.invocation.clear();
  unnamed.company = {"acme"};
  auto idle = over;
  idle.busy = false;
  for (const auto& what : {over, unnamed, idle})
    CHECK(refusal(what)
          == host_refusal{-32005,
                          "Plugin \"plugin-1\" is not allowed to perform "
                          "\"secrets.resolve\": the worker referenced a "
                          "missing, expired, or unknown invocation scope"});
}

TEST_CASE("host_rules: outside of calls a worker says for whom it asks",
          "[host_rules][pb-12.2.27]") {
  auto what = question();
  CHECK(company(what).empty());
  what.company = {"acme"};
  CHECK(company(what) == "acme");
  CHECK(no_company(plain, "secrets.resolve")
        == host_refusal{-32005, "Plugin \"plugin-1\" is not allowed to perform "
                                "\"secrets.resolve\": company context is "
                                "required"});
}

TEST_CASE("host_rules: thirty secrets a minute for each company",
          "[host_rules]") {
  resolve_budget budget;
  for (auto i = 0; i < 30; ++i)
    CHECK(budget.take({"acme"}, 1s * i));
  CHECK_FALSE(budget.take({"acme"}, 59'999ms));
  CHECK(budget.take({"other"}, 59'999ms));
  CHECK(budget.take({"acme"}, 60s));
  CHECK_FALSE(budget.take({"acme"}, 60s));
}
