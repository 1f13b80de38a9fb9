import type { ProposalInput } from "../domain/proposals/rules.ts";

/** What is said in the invented exchanges, in the hub's language. */
interface Phrases {
  statement: string;
  offer: string;
  counter: string;
  reject: string;
  cancel: string;
  part: string;
  dispute: string;
  resolution: string;
  voucher: string;
  hello: string;
  answer: string;
  reviews: [string, string, string, string];
}

/** A hub of the demonstration. Every name and every word of it is invented. */
export interface DemoHub {
  key: "lac" | "mena";
  name: string;
  description: string;
  locale: string;
  currency: { name: string; symbol: string; rate: string };
  admin: { handle: string; name: string };
  /** Of the hub's staff, and in none of its organizations. */
  curator: { handle: string; name: string };
  phrases: Phrases;
  organizations: DemoOrganization[];
}

export interface DemoOrganization {
  handle: string;
  name: string;
  summary: string;
  language: string;
  posts: string[];
  proposal?: Omit<ProposalInput, "language">;
}

type Terms = Partial<Omit<ProposalInput, "purpose" | "name" | "content" | "category" | "language">>;

const proposal =
  (purpose: "offer" | "request") =>
  (category: string, name: string, content: string, terms: Terms = {}): Omit<ProposalInput, "language"> => ({
    purpose,
    category,
    name,
    content,
    unit: "hour",
    settlement: "credit",
    price: "1",
    online: terms.location === undefined,
    ...terms,
  });
const offer = proposal("offer");
const need = proposal("request");

export const DEMO: DemoHub[] = [
  {
    key: "lac",
    name: "Red del Sur (demostración)",
    description:
      "Una red de demostración. Las organizaciones, las personas y todo lo que aquí se lee son inventados, para que puedas probar Ayni.",
    locale: "es",
    currency: { name: "Ayni", symbol: "₳", rate: "1" },
    admin: { handle: "ana", name: "Ana Quispe" },
    curator: { handle: "berta", name: "Berta Lima" },
    phrases: {
      statement: "Personería jurídica 0000 (inventada). Nos conocen las otras redes de la región.",
      offer: "Nos serviría mucho. ¿Podría ser este mes?",
      counter: "Con una hora más queda completo.",
      reject: "Este mes no nos alcanzan las manos. ¿Preguntan otra vez en dos meses?",
      cancel: "Se nos cruzó con la asamblea; perdonen.",
      part: "Se hizo la mitad: la segunda sesión no se dio.",
      dispute: "No llegó nadie a la segunda fecha y no nos avisaron.",
      resolution: "Las dos partes cuentan lo mismo de la primera sesión: se paga la mitad.",
      voucher: "Somos tres personas y todavía no tenemos qué ofrecer.",
      hello: "¿Les viene bien el jueves a las 10?",
      answer: "Sí. Llevamos el material.",
      reviews: [
        "Llegaron a tiempo y se quedaron hasta resolver todas las preguntas.",
        "Muy buena organización: todo estaba listo cuando llegamos.",
        "Traducción cuidada; preguntaron lo que no estaba claro.",
        "Un gusto. Volveríamos a trabajar con ellas.",
      ],
    },
    organizations: [
      {
        handle: "raices",
        name: "Raíces de Maíz",
        summary: "Semillas nativas y huertos comunitarios en las laderas del altiplano.",
        language: "es",
        posts: [
          "Guardamos 43 variedades de maíz en el banco de semillas. El sábado intercambiamos: trae un puñado, llévate otro.",
        ],
        proposal: offer(
          "training",
          "Taller de bancos de semillas",
          "Cómo seleccionar, secar y guardar semillas para que duren. Para grupos de 8 a 20 personas.",
          { available: "24", minimum: "3", location: "Altiplano" },
        ),
      },
      {
        handle: "faro",
        name: "Faro Digital",
        summary: "Seguridad digital para organizaciones que defienden derechos.",
        language: "es",
        posts: [
          "Tres pasos antes de viajar con tu teléfono: copia, limpia, bloquea. Guía corta en nuestra página.",
        ],
        proposal: offer(
          "technology",
          "Revisión de seguridad de tu organización",
          "Revisamos equipos, cuentas y costumbres, y te dejamos un plan de una página.",
          { available: "40", minimum: "4", price: "1,5" },
        ),
      },
      {
        handle: "tejedoras",
        name: "Tejedoras del Lago",
        summary: "Cooperativa de mujeres que tejen y enseñan a tejer.",
        language: "es",
        posts: ["Terminamos el tapiz de los doce pueblos. Gracias a quienes trajeron lana."],
        proposal: need(
          "design",
          "Necesitamos un catálogo de nuestras piezas",
          "Tenemos las fotos y las historias. Falta alguien que las diseñe para imprimir y para compartir por teléfono.",
          { available: "12" },
        ),
      },
      {
        handle: "puentes",
        name: "Puentes de Palabra",
        summary: "Traducción e interpretación solidaria entre cinco idiomas.",
        language: "es",
        posts: ["Esta semana tradujimos un manual de partería del quechua al español. Pídelo, es libre."],
        proposal: offer(
          "translation",
          "Traducción español – portugués – francés",
          "Documentos de hasta diez páginas, con una segunda lectura.",
          { available: "30", minimum: "1" },
        ),
      },
      {
        handle: "aguaclara",
        name: "Agua Clara",
        summary: "Comités de agua que miden y cuidan sus fuentes.",
        language: "es",
        posts: ["Los datos del río de septiembre ya están: dos de seis puntos por encima del límite."],
        proposal: need(
          "research",
          "Análisis de muestras de agua",
          "Buscamos una universidad o laboratorio que analice 20 muestras al año.",
          { unit: "one", available: "20", settlement: "none" },
        ),
      },
      {
        handle: "radioviva",
        name: "Radio Viva",
        summary: "Radio comunitaria hecha por jóvenes.",
        language: "es",
        posts: ["Hoy a las 18:00: ¿quién cuida a quien cuida? Mándanos tu nota de voz."],
        proposal: offer(
          "communication",
          "Producción de cápsulas de radio",
          "Guion, voces y edición de cápsulas de un minuto para tu campaña.",
          { unit: "one", available: "10", price: "3" },
        ),
      },
      {
        handle: "balanca",
        name: "Balança Justa",
        summary: "Contabilidade e prestação de contas para associações pequenas.",
        language: "pt",
        posts: ["Lembrete: o prazo para a prestação de contas do semestre termina na sexta-feira."],
        proposal: offer(
          "accounting",
          "Contabilidade para associações pequenas",
          "Ajudamos a organizar as contas do ano e o relatório para quem financia.",
          { available: "20", minimum: "2" },
        ),
      },
      {
        handle: "mutirao",
        name: "Mutirão das Águas",
        summary: "Vizinhança organizada para cuidar de nascentes e quintais.",
        language: "pt",
        posts: ["Plantamos 300 mudas na beira do córrego. Faltam 200: venham no domingo!"],
        proposal: need(
          "volunteers",
          "Voluntárias para o plantio",
          "Uma manhã de domingo por mês, com almoço coletivo.",
          {
            location: "Bairro da Nascente",
            settlement: "none",
          },
        ),
      },
      {
        handle: "casacomun",
        name: "Casa Común",
        summary: "Un espacio para reunirse, con cocina, patio y conexión.",
        language: "es",
        posts: ["La sala grande está libre los martes y jueves por la tarde."],
        proposal: offer("spaces", "Sala para 40 personas", "Con proyector, cocina y rampa de acceso.", {
          available: "16",
          minimum: "2",
          location: "Centro",
          price: "2",
        }),
      },
      {
        handle: "cuidarnos",
        name: "Cuidarnos",
        summary: "Acompañamiento psicosocial para equipos que trabajan con violencia.",
        language: "es",
        posts: ["Descansar también es trabajo. Nuestro círculo de los viernes sigue abierto."],
        proposal: offer(
          "care",
          "Círculo de cuidado para equipos",
          "Dos horas en línea, hasta doce personas.",
          {
            available: "8",
            minimum: "2",
            settlement: "none",
          },
        ),
      },
      {
        handle: "ladera",
        name: "Jóvenes de la Ladera",
        summary: "Arte y memoria en los barrios altos.",
        language: "es",
        posts: ["El mural de la escalera ya tiene nombre. Lo pintaron 60 manos."],
        proposal: need(
          "fundraising",
          "Aprender a escribir un proyecto",
          "Tenemos la idea y las ganas; nos falta quien nos acompañe con la primera convocatoria.",
          { available: "10" },
        ),
      },
      {
        handle: "semilla",
        name: "Derecho y Semilla",
        summary: "Defensa legal de comunidades y de su territorio.",
        language: "es",
        posts: ["Publicamos un modelo de solicitud de información pública. Úsenlo, cópienlo, mejórenlo."],
        proposal: offer(
          "law",
          "Asesoría legal para comunidades",
          "Una primera consulta y los siguientes pasos por escrito.",
          {
            available: "25",
            minimum: "1",
          },
        ),
      },
    ],
  },
  {
    key: "mena",
    name: "شبكة الجسور (عرض توضيحي)",
    description: "شبكة للعرض فقط: كل المنظمات والأشخاص والنصوص هنا مُختلَقة لتجربة أيني.",
    locale: "ar",
    currency: { name: "نقطة", symbol: "ن", rate: "10" },
    admin: { handle: "layla", name: "ليلى حدّاد" },
    curator: { handle: "karim", name: "كريم (مثال)" },
    phrases: {
      statement: "رقم التسجيل 0000 (مختلق). تعرفنا شبكات المنطقة الأخرى.",
      offer: "سيفيدنا هذا كثيرًا. هل يمكن خلال هذا الشهر؟",
      counter: "بساعة إضافية يكتمل العمل.",
      reject: "لا نستطيع هذا الشهر. هل تسألوننا بعد شهرين؟",
      cancel: "تعارض الموعد مع اجتماعنا العام، نعتذر.",
      part: "أُنجز النصف: لم تُعقد الجلسة الثانية.",
      dispute: "لم يحضر أحد في الموعد الثاني ولم يصلنا إشعار.",
      resolution: "رواية الطرفين عن الجلسة الأولى واحدة: يُدفع النصف.",
      voucher: "نحن ثلاثة أشخاص وليس لدينا بعد ما نقدّمه.",
      hello: "هل يناسبكم الخميس الساعة العاشرة؟",
      answer: "نعم، وسنحضر المواد.",
      reviews: [
        "حضروا في الموعد وأجابوا عن كل الأسئلة.",
        "تنظيم ممتاز: كل شيء كان جاهزًا عند وصولنا.",
        "عمل متقن، وسألوا عن كل ما لم يكن واضحًا.",
        "سعدنا بالعمل معهم ونكرره بكل سرور.",
      ],
    },
    organizations: [
      {
        handle: "nour",
        name: "نور للتدريب الرقمي",
        summary: "تدريب على الأمان الرقمي للمنظمات الصغيرة.",
        language: "ar",
        posts: ["فتحنا التسجيل في ورشة الأمان الرقمي: ساعتان عبر الإنترنت، بالعربية والإسبانية."],
        proposal: offer(
          "training",
          "ورشة الأمان الرقمي",
          "ساعتان عبر الإنترنت: كلمات المرور والمراسلة الآمنة والنسخ الاحتياطي.",
          {
            available: "20",
            minimum: "2",
            price: "10",
          },
        ),
      },
      {
        handle: "zaytoun",
        name: "تعاونية الزيتون",
        summary: "مزارعات ينتجن الزيت ويعلّمن الزراعة البعلية.",
        language: "ar",
        posts: ["انتهى موسم القطاف. شكرًا لأربعين يدًا ساعدتنا."],
        proposal: offer(
          "training",
          "الزراعة البعلية خطوة بخطوة",
          "كيف نزرع بلا ريّ: التربة والبذور والتوقيت.",
          {
            available: "12",
            minimum: "3",
            price: "10",
          },
        ),
      },
      {
        handle: "warsha",
        name: "ورشة الحي",
        summary: "إصلاح وأدوات مشتركة.",
        language: "ar",
        posts: ["أصلحنا هذا الشهر 31 جهازًا كانت في طريقها إلى النفايات."],
        proposal: offer("equipment", "إعارة مولّد وأدوات", "للفعاليات المجتمعية، مع متطوع يشغّلها.", {
          unit: "one",
          available: "9",
          location: "الحي القديم",
          settlement: "none",
        }),
      },
      {
        handle: "hekaya",
        name: "حكاية",
        summary: "أرشيف شفوي تصنعه النساء.",
        language: "ar",
        posts: ["سجّلنا الحكاية رقم مئة. الأرشيف مفتوح لمن يريد أن يسمع."],
        proposal: need(
          "translation",
          "ترجمة حكايات إلى الإسبانية",
          "عشرون حكاية قصيرة، نصف صفحة لكل واحدة.",
          {
            unit: "one",
            available: "20",
            price: "5",
          },
        ),
      },
      {
        handle: "bridge",
        name: "Bridge Legal Clinic",
        summary: "Free legal clinic run by students and retired judges.",
        language: "en",
        posts: ["Our handbook on registering an association is out in three languages."],
        proposal: offer(
          "law",
          "Legal check of your statutes",
          "We read your statutes and tell you what to mend.",
          {
            available: "15",
            minimum: "2",
            price: "12",
          },
        ),
      },
      {
        handle: "openmaps",
        name: "Open Maps Collective",
        summary: "Maps made by the people who live there.",
        language: "en",
        posts: ["Mapped this week: every water point within an hour's walk of the camp."],
        proposal: offer(
          "technology",
          "A community map in a weekend",
          "Two days on site, or four evenings online.",
          {
            available: "16",
            minimum: "1",
            price: "10",
          },
        ),
      },
      {
        handle: "jardin",
        name: "Le Jardin Partagé",
        summary: "Un jardin, une bibliothèque, des voisins.",
        language: "fr",
        posts: ["La grainothèque est ouverte : prenez, semez, rapportez."],
        proposal: need("volunteers", "Des bras pour le jardin", "Deux heures le samedi matin, café offert.", {
          location: "Quartier des Oliviers",
          settlement: "none",
        }),
      },
      {
        handle: "voix",
        name: "Voix Libres",
        summary: "Formation au journalisme citoyen.",
        language: "fr",
        posts: ["Vérifier avant de partager : notre aide-mémoire tient sur une carte postale."],
        proposal: offer(
          "communication",
          "Atelier de vérification",
          "Trois heures pour apprendre à vérifier une image.",
          {
            available: "18",
            minimum: "1",
            price: "10",
          },
        ),
      },
      {
        handle: "salam",
        name: "سلام للصحة النفسية",
        summary: "جلسات دعم جماعية للعاملين في الخطوط الأمامية.",
        language: "ar",
        posts: ["دائرة الدعم مساء كل ثلاثاء، والمكان محفوظ لمن يحتاجه."],
        proposal: offer("care", "دائرة دعم لفريقك", "ساعة ونصف عبر الإنترنت.", {
          available: "10",
          minimum: "2",
          settlement: "none",
        }),
      },
      {
        handle: "hirfa",
        name: "حِرفة",
        summary: "شابات يتعلمن النجارة.",
        language: "ar",
        posts: ["أول دفعة من عشر نجّارات تخرجت اليوم."],
        proposal: need("fundraising", "مساعدة في كتابة مشروع", "نحتاج من يرافقنا في أول طلب تمويل.", {
          available: "8",
          price: "10",
        }),
      },
      {
        handle: "wiki",
        name: "معرفة مشتركة",
        summary: "نكتب بالعربية ما ينقص الموسوعات الحرة.",
        language: "ar",
        posts: ["خمسون مقالة جديدة عن الحِرف التقليدية."],
        proposal: offer("research", "بحث وتوثيق", "نبحث لكم في الأرشيف ونكتب ملخصًا موثّقًا.", {
          available: "20",
          minimum: "2",
          price: "9",
        }),
      },
      {
        handle: "masrah",
        name: "مسرح الشارع",
        summary: "مسرح للقرى والمخيمات.",
        language: "ar",
        posts: ["عرضنا القادم بلا كلمات: يفهمه الجميع."],
        proposal: offer("culture", "عرض مسرحي لفعاليتكم", "أربعون دقيقة، ستة ممثلين.", {
          unit: "one",
          available: "5",
          price: "40",
        }),
      },
    ],
  },
];
