// The way from drivers to secrets, with a real store and a real box.

#include "actors/secret_gate.hpp"

#include "actors/front_actor.hpp"
#include "actors/store_actor.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/world.hpp"

using namespace leasehold;
using namespace leasehold::test;

namespace {

const std::string canary = "canary-11d2-value";

using texts = std::vector<std::string>;

/// Company `acme` with the secret `s-1`, bound to `env-1` at `apiKey`.
struct gatehouse : world {
  gatehouse() {
    auto opened = open_sqlite_store(dir / "leasehold.db", {"engine-1"},
                                    [] { return timestamp{1'000}; });
    REQUIRE(opened.has_value());
    database = std::move(opened).value();
    auto made = std::make_shared<services>();
    made->self = {"engine-1"};
    made->log = [this](log_rank, std::string_view x) { log.emplace_back(x); };
    with = made;
    store_of_play = spawn_actor<store_state>(sys, make_inline_runner(database));
    front = std::make_shared<front_desk>(sys);
    box
      = std::make_shared<secret_box>(master_key_place{{}, dir / "master.key"});
    REQUIRE(box->prepare({}).has_value());
    put("s-1");
    bind("s-1", "apiKey");
  }

  ~gatehouse() {
    gate.close();
    front->close();
    send_away(store_of_play);
    settle();
  }

  void open() {
    gate.open(front, store_of_play, with, box);
  }

  void write(store_write what) {
    auto outcomes = database->apply(std::vector{std::move(what)});
    REQUIRE(outcomes.at(0).has_value());
  }

  void put(const std::string& id) {
    put_secret x;
    x.row.id = {id};
    x.row.company = {"acme"};
    x.row.name = id;
    x.sealed = box->seal({{"acme"}, {id}, 1}, canary + id).value();
    write(x);
  }

  void bind(const std::string& id, const std::string& path) {
    bind_secret x;
    x.row = {{"acme"}, {id}, secret_target::environment, "env-1", path};
    write(x);
  }

  static secret_request request(const std::string& id,
                                const std::string& path) {
    return {{id}, {"acme"}, {"env-1"}, path};
  }

  /// Asks, and delivers what that sets off.
  void resolve(std::vector<secret_request> what) {
    gate.resolve(std::move(what),
                 [this](result<texts> x) { answers.push_back(std::move(x)); });
    settle();
  }

  /// What is on record of a secret: `outcome@version`, latest first.
  texts record(const std::string& id) {
    auto found = database->read(list_secret_accesses{{id}});
    REQUIRE(found.has_value());
    texts out;
    for (const auto& row : std::get<secret_access_rows>(*found).rows) {
      CHECK(row.by == instance_id{"engine-1"});
      out.push_back(row.outcome + "@" + std::to_string(row.version));
    }
    return out;
  }

  temp_dir dir;
  std::shared_ptr<store> database;
  services_ptr with;
  store_actor store_of_play;
  front_ptr front;
  std::shared_ptr<secret_box> box;
  secret_gate gate;
  texts log;
  std::vector<result<texts>> answers;
};

} // namespace

TEST_CASE_METHOD(gatehouse, "secret_gate: values come in the order asked for",
                 "[actors]") {
  open();
  put("s-2");
  bind("s-2", "token");
  resolve({request("s-2", "token"), request("s-1", "apiKey")});
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].value() == texts{canary + "s-2", canary + "s-1"});
  CHECK(record("s-1") == texts{"resolved@1"});
  CHECK(record("s-2") == texts{"resolved@1"});
  resolve({});
  CHECK(answers.at(1).value().empty());
  CHECK(log.empty());
}

TEST_CASE_METHOD(gatehouse, "secret_gate: the first error is the answer",
                 "[actors]") {
  open();
  resolve({request("s-1", "apiKey"), request("s-1", "elsewhere"),
           request("no", "apiKey")});
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].error().code == ec::binding_missing);
  CHECK(answers[0].error().message
        == "Secret is not bound to environment:env-1 at elsewhere");
  // The first one was read and given to nobody.
  CHECK(record("s-1") == texts{"binding_missing@0"});
  CHECK(record("no").empty());
}

TEST_CASE_METHOD(gatehouse,
                 "secret_gate: a plugin need not say where its secret is bound",
                 "[actors]") {
  open();
  auto bound = [this](const std::string& path) {
    bind_secret x;
    x.row = {{"acme"}, {"s-1"}, secret_target::plugin, "plugin-1", path};
    write(x);
  };
  secret_request asked{{"s-1"}, {"acme"}};
  asked.plugin = {"plugin-1"};
  resolve({asked});
  CHECK(answers.at(0).error().code == ec::binding_missing);
  CHECK(answers.at(0).error().message
        == "Secret is not bound to plugin:plugin-1");
  bound("token");
  resolve({asked});
  CHECK(answers.at(1).value() == texts{canary + "s-1"});
  bound("other");
  resolve({asked});
  CHECK(answers.at(2).error().message
        == "Plugin secret reference is ambiguous; pass configPath when "
           "resolving this secret");
  asked.path = "other";
  resolve({asked});
  CHECK(answers.at(3).value() == texts{canary + "s-1"});
  asked.path = "elsewhere";
  resolve({asked});
  CHECK(answers.at(4).error().message
        == "Secret is not bound to plugin:plugin-1 at elsewhere");
  CHECK(record("s-1")
        == texts{"binding_missing@0", "resolved@1", "invalid_request@0",
                 "resolved@1", "binding_missing@0"});
}

TEST_CASE_METHOD(gatehouse, "secret_gate: a row that was moved does not open",
                 "[actors]") {
  open();
  put_secret thief;
  thief.row.id = {"s-3"};
  thief.row.company = {"acme"};
  thief.row.name = "stolen";
  thief.sealed = box->seal({{"acme"}, {"s-1"}, 1}, canary).value();
  write(thief);
  bind("s-3", "token");
  resolve({request("s-3", "token")});
  REQUIRE(answers.size() == 1);
  auto why = answers[0].error();
  CHECK(why.code == ec::secret_unusable);
  CHECK((why.message + why.detail).find(canary) == std::string::npos);
  CHECK(record("s-3") == texts{"secret_unusable@0"});
}

TEST_CASE_METHOD(gatehouse, "secret_gate: a lost key is said, not made anew",
                 "[actors]") {
  box = std::make_shared<secret_box>(master_key_place{{}, dir / "other.key"});
  open();
  resolve({request("s-1", "apiKey")});
  CHECK(answers.at(0).error().message.find("is missing") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(dir / "other.key"));
}

TEST_CASE_METHOD(gatehouse, "secret_gate: a closed gate says so at once",
                 "[actors]") {
  resolve({request("s-1", "apiKey")});
  CHECK(answers.at(0).error().code == ec::shutting_down);
  open();
  gate.close();
  resolve({request("s-1", "apiKey")});
  CHECK(answers.at(1).error().code == ec::shutting_down);
}

TEST_CASE_METHOD(gatehouse,
                 "secret_gate: whoever waits is answered once when the engine "
                 "goes",
                 "[actors]") {
  open();
  gate.resolve({request("s-1", "apiKey")},
               [this](result<texts> x) { answers.push_back(std::move(x)); });
  gate.close();
  front->close();
  settle();
  resolve({request("s-1", "apiKey")});
  CHECK(answers.size() == 2);
  CHECK(answers.at(1).error().code == ec::shutting_down);
}

TEST_CASE_METHOD(gatehouse, "secret_gate: asking a front that has left fails",
                 "[actors]") {
  open();
  front->close();
  settle();
  resolve({request("s-1", "apiKey")});
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].error().code == ec::shutting_down);
}
