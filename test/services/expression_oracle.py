"""Microsoft's own evaluator of pipeline expressions: one JSON document a line in, one JSON document a line out.

In: {"expression", "parameters", "variables", "item", "activities"}, each but the first a JSON text as the evaluator takes it.
Out: {"value": <JSON text>} or {"error": <message>}.
"""
import json
import os
import sys
import tempfile

# The output of libraries must not mix with the answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

packages = sys.argv[1]
dotnet = os.path.join(packages, "dotnetcore2", "bin")
config = os.path.join(tempfile.mkdtemp(prefix="lakestead-oracle-"), "runtimeconfig.json")
with open(config, "w") as file:
    json.dump({"runtimeOptions": {"framework": {"name": "Microsoft.NETCore.App", "version": "3.1.0"}}}, file)

from pythonnet import load

load("coreclr", runtime_config=config, dotnet_root=dotnet)
import clr
from System import AppDomain, ResolveEventHandler
from System.Globalization import CultureInfo
from System.Reflection import Assembly

CultureInfo.DefaultThreadCurrentCulture = CultureInfo("en-US")
CultureInfo.CurrentCulture = CultureInfo("en-US")
folders = [
    os.path.join(dotnet, "shared", "Microsoft.NETCore.App", "3.1.23"),
    os.path.join(packages, "data_factory_testing_framework", "_pythonnet", "bin"),
]


def resolve(_, request):
    name = str(request.Name).split(",")[0]
    for folder in folders:
        path = os.path.join(folder, name + ".dll")
        if os.path.exists(path):
            return Assembly.LoadFrom(path)
    return None


AppDomain.CurrentDomain.AssemblyResolve += ResolveEventHandler(resolve)
clr.AddReference(os.path.join(folders[1], "Microsoft.Azure.DataFactoryTestingFramework.Expressions"))
from Microsoft.Azure.DataFactoryTestingFramework.Expressions import Evaluator

evaluator = Evaluator()


def answer(document):
    answers.write(json.dumps(document) + "\n")
    answers.flush()


answer({"value": "ready"})
for line in sys.stdin:
    case = json.loads(line)
    try:
        text = evaluator.EvaluateExpression(
            case["expression"], case["parameters"], case["variables"], case["item"], case["activities"]
        )
        answer({"value": str(text)})
    except Exception as error:
        inner = getattr(error, "InnerException", None) or error
        answer({"error": str(getattr(inner, "Message", inner))[:600]})
