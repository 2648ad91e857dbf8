// A worker that shows what the worker kit does, good and bad.

#include "drivers/worker_kit/worker_kit.hpp"

#include <cstdio>
#include <iostream>
#include <stdexcept>

namespace {

using namespace leasehold;

/// Sends `left` pieces of 64 KiB, as fast as the host takes them.
void flood(kit::worker& me, const kit::call& what, int left) {
  if (left == 0)
    return what.reply({{"unwritten", me.host().unwritten()}});
  what.log_output(output_stream::out, std::string(65536, 'x'));
  me.host().when_below(1 << 20, [&me, what, left] {
    me.loop().post([&me, what, left] { flood(me, what, left - 1); });
  });
}

/// Resources that only have names.
void provide(kit::worker& me) {
  auto echo = [](const kit::call& what) { what.reply(what.params()); };
  me.on("environmentAcquireLease", [](const kit::call& what) {
    what.reply({{"providerLeaseId", what.params().at("wanted")}});
  });
  me.on("environmentResumeLease", echo);
  me.on("environmentExecute", echo);
  me.on("environmentDestroyLease",
        [](const kit::call& what) { what.reply(nullptr); });
}

} // namespace

/// With a folder, it keeps fences there.
int main(int argc, char** argv) {
  kit::worker me{{{"id", "kit.test"}}};
  if (argc > 1)
    me.keep_fences(kit::lasting_fences::open(argv[1]).value());
  provide(me);
  me.on("echo", [](const kit::call& what) { what.reply(what.params()); });
  me.on("print", [](const kit::call& what) {
    std::puts("a stray print");
    std::cout << "and another" << std::endl;
    what.reply("printed");
  });
  me.on("twice", [](const kit::call& what) {
    what.reply(1);
    what.reply(2);
    what.fail(3, "three");
  });
  me.on("forget", [](const kit::call&) {});
  me.on("throw", [](const kit::call&) { throw std::runtime_error{"oops"}; });
  me.on("refuse", [](const kit::call& what) {
    kit::required_text(what.params(), "name");
    throw kit::rpc_error{-32004, "not today"};
  });
  me.on("later", [&me](const kit::call& what) {
    me.loop().post([what] { what.reply("later"); });
  });
  me.on("never", [&me](const kit::call& what) {
    me.loop().after(std::chrono::hours{1}, [what] { what.reply(nullptr); });
  });
  me.on("flood", [&me](const kit::call& what) { flood(me, what, 64); });
  me.on("note", [&me](const kit::call& what) {
    me.log("info", "noted", {{"n", 1}});
    what.log_output(output_stream::err, "broken \xff text");
    what.reply(nullptr);
  });
  me.on_shutdown([] { std::cerr << "going down" << std::endl; });
  return me.run();
}
