"""private timing"""
import time, random, pytest, tracemalloc
from scoring import agreeing, results, definitions, intake
from scoring.models import *
from tests.scoring import marked_exam
from scoring.results import history, statistics
pytestmark = pytest.mark.django_db
def test_perf():
    r=random.Random(1)
    from django.db import connection; connection.cursor().execute("analyze")
    exam,_=definitions.load(marked_exam.definition())
    u=marked_exam._person("marker-a","marker"); v=marked_exam._person("marker-b","marker")
    N=1000
    intake.take_all((n,{"exam":exam.code,"candidate":f"c{n}","answers":[{"question":f"Q{q}","text":f"解答{n}です{q}"} for q in (1,2,3)]}) for n in range(N))
    for q in exam.questions.all():
        ms=[]; ans=list(q.answers.all())
        for a in ans:
            t=r.randint(0,6); cr=[{"code":"C1","points":min(t,4),"evidence":[]},{"code":"C2","points":max(t-4,0),"evidence":[]}]
            for src,mk in (("machine",None),("human",u),("human",v)):
                ms.append(Mark(answer=a,source=src,marker=mk,points=min(6,max(0,t+r.choice((-1,0,0,0,1)))),criteria=cr,definition=q.digest))
            a.final_points=t; a.final_source="human"; a.review_reason="audit"
        Mark.objects.bulk_create(ms,batch_size=5000); Answer.objects.bulk_update(ans,["final_points","final_source","review_reason"],batch_size=2000)
    from django.db import connection

    def t(name,f):
        b=time.time(); c=time.process_time(); f(); print("T",name,round(time.time()-b,2),"cpu",round(time.process_time()-c,2))
    t("of_exam 15000 answers 45000 marks",lambda: agreeing.of_exam(exam))
    t("recent",agreeing.recent); t("recent",agreeing.recent)
    t("statistics",lambda: statistics.statistics(exam))
    t("history csv",lambda: sum(map(len,history.as_csv(exam,"utf-8-sig"))))
    tracemalloc.start(); sum(map(len,history.as_csv(exam,"utf-8-sig"))); print("T peak MB",tracemalloc.get_traced_memory()[1]/1e6); tracemalloc.stop()
    t("history xlsx",lambda: history.as_xlsx(exam))
    a=Answer.objects.filter(question__exam=exam).first()
    m=[Mark.objects.filter(source="human",answer=a)[0]]
    t("observe",lambda: agreeing.observe(m)); t("observe",lambda: agreeing.observe(m))
